/**
 * @file Which values of a model become whole numbers, where the weights of some layers are: what goes into
 * these layers, what convolutions among them give (after the activation that follows), and what nodes that
 * runtimes compute in whole numbers make of such values.
 */
import type { NodeProto } from 'onnx-buf'
import { namesRead } from '../bodies.ts'
import type { Slot } from '../edit.ts'
import type { OnnxFile } from '../file.ts'

export interface QuantizedValue {
  name: string
  /** The value whose grid it has, since nothing but places changes on the way. */
  like?: string
}

export interface QuantizedValues {
  /** In the order in which they are computed. */
  values: QuantizedValue[]
  /**
   * All inputs of nodes that read one of them: floats beside whole numbers would keep runtimes from computing
   * what makes it in whole numbers.
   */
  reads: Slot[]
}

/** Nodes whose result has the values of their first input, at other places. */
const MOVES = new Set([
  'Flatten',
  'Identity',
  'MaxPool',
  'Reshape',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
  'DepthToSpace',
  'Slice',
  'SpaceToDepth',
  'Split',
])
/** Nodes that runtimes compute in whole numbers, with another grid for the result. */
const COMPUTES = new Set(['Add', 'Mul', 'Concat', 'AveragePool', 'GlobalAveragePool', 'LeakyRelu', 'Sigmoid'])
/** Activations that become part of the rounding of what they are applied to. */
const ACTIVATIONS = new Set(['Relu', 'Clip'])

const isOnnx = ({ domain }: NodeProto) => domain === '' || domain === 'ai.onnx'

/** Of the main graph, for the nodes whose weights (input 1) are whole numbers. */
export function quantizedValues(file: OnnxFile, layers: ReadonlySet<NodeProto>): QuantizedValues {
  const { node: nodes, output } = file.graph
  const readers = new Map<string, NodeProto[]>()
  for (const node of nodes) for (const name of namesRead(node)) readers.set(name, [...(readers.get(name) ?? []), node])
  const outputs = new Set(output.map(({ name }) => name))
  const wanted = new Set([...layers].map(({ input }) => input[0]))
  /** The one activation that alone reads a value, and is a limit on it. */
  const activation = (name: string): NodeProto | undefined => {
    const [one, ...others] = readers.get(name) ?? []
    if (!one || others.length > 0 || outputs.has(name)) return undefined
    return isOnnx(one) && ACTIVATIONS.has(one.opType) && one.input[0] === name ? one : undefined
  }

  const found = new Map<string, QuantizedValue>()
  const take = (name: string, like?: string) => {
    if (!found.has(name)) found.set(name, { name, ...(like !== undefined && { like }) })
  }
  const isComputed = (name: string) => name !== '' && !file.stored.has(name)
  for (const { name } of file.graph.input) if (wanted.has(name) && isComputed(name)) take(name)
  for (const node of nodes) {
    const [x] = node.input
    const [y] = node.output
    if (layers.has(node)) {
      const end = activation(y)?.output[0] ?? y
      if (node.opType === 'Conv' || wanted.has(end)) take(end)
      continue
    }
    const dynamic = node.input.filter(isComputed)
    const whole = isOnnx(node) && dynamic.length > 0 && dynamic.every((name) => found.has(name))
    if (whole && MOVES.has(node.opType) && found.has(x)) {
      for (const name of node.output) if (name !== '' && !outputs.has(name)) take(name, found.get(x)!.like ?? x)
    } else if (whole && COMPUTES.has(node.opType) && dynamic.length === node.input.length) {
      const end = activation(y)?.output[0] ?? y
      if (!outputs.has(end)) take(end)
    } else for (const name of node.output) if (wanted.has(name)) take(name)
  }
  const reads = nodes.flatMap((node) => node.input.flatMap((name, input) => (found.has(name) ? [{ node, input }] : [])))
  return { values: [...found.values()], reads }
}
