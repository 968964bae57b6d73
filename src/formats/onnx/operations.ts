/**
 * @file The nodes of a graph as operations: a product with its bias, written as MatMul and Add, is one, and
 * constants that are stored tensors are none.
 */
import { type NodeProto, NodeProtoSchema } from 'onnx-buf'
import type { Shape } from '../../graph/tensor.ts'
import { namesRead } from './bodies.ts'
import { changed } from './changed.ts'
import { Operation } from './operation.ts'

/** What operations are made of. */
export interface Nodes {
  nodes: readonly NodeProto[]
  outputs: readonly string[]
  opset: number
  /** Reads the stored tensor of a name; undefined where it is none. */
  stored(name: string): (() => { shape: Shape }) | undefined
  /** A node with the attributes that a call gives it. */
  called(node: NodeProto): NodeProto
}

export function operationsOf({ nodes, outputs: results, opset, stored, called }: Nodes): Operation[] {
  const readers = new Map<string, number>()
  for (const node of nodes) for (const name of namesRead(node)) readers.set(name, (readers.get(name) ?? 0) + 1)
  const outputs = new Set(results)
  const products = new Map<string, number>()
  const operations: (Operation | undefined)[] = []
  for (const node of nodes) {
    if (node.opType === 'Constant' && stored(node.output[0])) continue
    const proto = called(node)
    const read = (input: number) => ({ node, input })
    operations.push(new Operation(proto, opset, { node, slots: node.input.map((_, i) => read(i)) }))
    const [a, b] = node.input
    if (node.opType === 'MatMul' && readers.get(node.output[0]) === 1 && !outputs.has(node.output[0]))
      products.set(node.output[0], operations.length - 1)
    if (node.opType !== 'Add') continue
    const [product, bias] = products.has(a) ? [a, b] : [b, a]
    const at = products.get(product)
    const shape = at === undefined ? undefined : stored(bias)?.().shape
    if (at === undefined || !shape || shape.filter((n) => n > 1).length > 1) continue
    const { slots, node: matmul } = operations[at]!
    const merged = changed(NodeProtoSchema, matmul, { input: [...matmul.input, bias], output: node.output })
    const options = { node: matmul, slots: [...slots, read(bias === b ? 1 : 0)] }
    operations[at] = undefined
    operations[operations.length - 1] = new Operation(merged, opset, options)
  }
  return operations.filter((operation) => operation !== undefined)
}
