/** @file Nodes of functions with the attributes that the call gives them. */
import { AttributeProtoSchema, type FunctionProto, type NodeProto, NodeProtoSchema } from 'onnx-buf'
import { changed } from '../changed.ts'

/** Attributes by name: those of the call, else the function's own defaults. */
export const callAttributes = (
  call: NodeProto,
  { attributeProto }: FunctionProto,
): ReadonlyMap<string, NodeProto['attribute'][number]> =>
  new Map([...attributeProto, ...call.attribute].map((one) => [one.name, one]))

/**
 * The node with attributes in the place of references to those of its function. Its graphs stay the same
 * objects.
 */
export function withAttributes(node: NodeProto, given: ReturnType<typeof callAttributes> | undefined): NodeProto {
  if (!given || !node.attribute.some(({ refAttrName }) => refAttrName !== '')) return node
  const attribute = node.attribute.flatMap((one) => {
    if (one.refAttrName === '') return [one]
    const found = given.get(one.refAttrName)
    return found ? [changed(AttributeProtoSchema, found, { name: one.name })] : []
  })
  return changed(NodeProtoSchema, node, { attribute })
}
