/**
 * @file Rows of a table that places of each sample name, as ONNX has them: one Gather by places [N, T], which
 * gives [N, T, width]. Our Gather takes places of all samples in one list, so that it stands between two
 * reshapes, which join samples and tell them apart again.
 */
import { AttributeProto_AttributeType as AttributeType, TensorProto_DataType as DataType } from 'onnx-buf'
import type { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { integer, type NodeInit, wholeNumbers } from './write-node.ts'

interface Lookup {
  table: Tensor
  /** [N, ...], of as many places as `lookups`. */
  places: Tensor
  lookups: number
  /** [N, lookups, width]. */
  rows: Tensor
}

/** The nodes that are written in another way, by what is written in their place: nothing, or a lookup. */
export function lookupsIn(graph: Graph): ReadonlyMap<Node, Lookup | undefined> {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((tensor) => [tensor, node] as const)))
  const readers = (tensor: Tensor) => graph.nodes.filter(({ inputs }) => inputs.includes(tensor))
  const isOutput = (tensor: Tensor) => [...graph.outputs.values()].includes(tensor)
  const found = new Map<Node, Lookup | undefined>()
  for (const node of graph.nodes) {
    const [table, index] = node.inputs
    const [after, ...others] = readers(node.outputs[0])
    const before = makers.get(index)
    if (node.operator.name !== 'Gather' || node.attributes.axis !== 0 || table.batched || table.shape.length !== 2)
      continue
    if (before?.operator.name !== 'Reshape' || after?.operator.name !== 'Reshape' || others.length > 0) continue
    const [[places], [rows]] = [before.inputs, after.outputs]
    const [samples] = places.shape
    const lookups = index.shape[0] / samples
    const isApart = String(rows.shape) === String([samples, lookups, table.shape[1]])
    if (!places.batched || !rows.batched || !isApart || [index, node.outputs[0]].some(isOutput)) continue
    if (readers(index).length === 1) found.set(before, undefined)
    found.set(node, undefined)
    found.set(after, { table, places, lookups, rows })
  }
  return found
}

/** The nodes of a lookup; `stem` makes names for values in between. */
export const writeLookup = ({ table, places, lookups, rows }: Lookup, stem: string): NodeInit[] => {
  const [shape, floats, index] = ['shape', 'floats', 'index'].map((name) => `${stem}.${name}`)
  const value = { name: 'value', type: AttributeType.TENSOR, t: wholeNumbers([0, lookups]) }
  return [
    { opType: 'Constant', output: [shape], attribute: [value] },
    { opType: 'Reshape', input: [places.name, shape], output: [floats] },
    { opType: 'Cast', input: [floats], output: [index], attribute: [integer('to', DataType.INT64)] },
    { opType: 'Gather', input: [table.name, index], output: [rows.name], attribute: [integer('axis', 0)] },
  ]
}
