/**
 * @file How the channels (axis 1) of a node's inputs and outputs hang together: through single weights in
 * layers, directly everywhere else. What reachability and the pruning of whole channels are built on. Forward
 * passes as they are used (batch normalization with given statistics) are covered.
 */
import type { Graph } from './graph.ts'
import { type Attributes, attribute, type Node } from './operator.ts'
import { convOptions } from './operators/conv.ts'
import { transposes } from './operators/linear.ts'
import { type Shape, sizeOf, type Tensor } from './tensor.ts'

/** Called for each connected pair of channels; `index` is that of the weight between them, row-major. */
export type Visit = (from: number, to: number, index: number) => void

/**
 * The parameter that a node multiplies its first input's channels with: a layer's weight, or the scale of a
 * batch normalization.
 */
export function weightOf({ operator, inputs }: Node): Tensor | undefined {
  const weight = inputs[operator.name === 'BatchNormalization' ? 1 : (operator.weight ?? -1)]
  return weight?.role === 'parameter' ? weight : undefined
}

/** The nodes that depend on some inputs, in order, and those inputs with all first outputs of the nodes. */
export function dependents(graph: Graph, inputs: readonly Tensor[]): { nodes: Node[]; tensors: Set<Tensor> } {
  const tensors = new Set(inputs)
  const nodes: Node[] = []
  for (const node of graph.nodes) {
    if (!node.inputs.some((tensor) => tensors.has(tensor))) continue
    nodes.push(node)
    tensors.add(node.outputs[0])
  }
  return { nodes, tensors }
}

/** Number of channels. */
export const channelsOf = ({ shape }: Tensor): number => shape[1] ?? 1

/**
 * Every weight of a node that {@link weightOf} knows, with the input and the output channel that it connects.
 * Taps of a kernel that only ever meet padding connect nothing and are left out.
 */
export function weightLinks(node: Node, visit: Visit): void {
  const { operator, inputs, outputs, attributes } = node
  const { shape } = weightOf(node)!
  if (operator.name === 'BatchNormalization') {
    for (let c = 0; c < shape[0]; c++) visit(c, c, c)
  } else if (operator.name === 'Conv') {
    const { group } = convOptions(operator.name, attributes)
    const taps = usedTaps(node)
    const [out, ins, area] = [shape[0], shape[1], shape[2] * shape[3]]
    for (let o = 0, index = 0; o < out; o++) {
      const first = Math.floor(o / (out / group)) * ins
      for (let i = 0; i < ins; i++, index += area) for (const tap of taps) visit(first + i, o, index + tap)
    }
  } else {
    const { transA, transB } = transposes(attributes)
    if (transA) throw new Error(`${outputs[0].name}: the channels of a transposed input are not known`)
    const [ins, out] = [inputs[0].shape[1], outputs[0].shape[1]]
    for (let o = 0; o < out; o++) for (let i = 0; i < ins; i++) visit(i, o, transB ? o * ins + i : i * out + o)
  }
}

/** Places in a kernel that some output position multiplies with more than padding. */
function usedTaps({ inputs: [x, weight], outputs: [y], attributes }: Node): number[] {
  const { strides, pads, dilations } = convOptions('Conv', attributes)
  const used = (axis: 0 | 1) =>
    Array.from({ length: weight.shape[2 + axis] }, (_, tap) => tap).filter((tap) => {
      const at = tap * dilations[axis] - pads[axis]
      return Array.from({ length: y.shape[2 + axis] }, (_, o) => o * strides[axis] + at).some(
        (place) => place >= 0 && place < x.shape[2 + axis],
      )
    })
  const columns = used(1)
  return used(0).flatMap((row) => columns.map((column) => row * weight.shape[3] + column))
}

/**
 * Whether a node's output channels are its input channels, each changed on its own: depthwise convolutions
 * and batch normalization.
 */
export function isChannelwise(node: Node): boolean {
  const weight = weightOf(node)
  if (node.operator.name === 'Conv') return weight?.shape[1] === 1 && channelsOf(node.inputs[0]) > 1
  return node.operator.name === 'BatchNormalization'
}

/** Functions of single elements. */
export const ELEMENTWISE: ReadonlySet<string> = new Set(
  [
    'Neg Abs Relu Sqrt Reciprocal Sigmoid Clip Exp Log Tanh Erf Sin Cos Atan Floor Ceil Round Trunc Sign',
    'Add Sub Mul Div Max Min Pow Fmod Less LessOrEqual Equal Where',
  ].flatMap((names) => names.split(' ')),
)

/** Operators whose output channels are those of each input that has as many. */
const SAME = new Set([...ELEMENTWISE, 'Expand', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'BatchNormalization'])

/** How an operator connects channels is not known. */
export class UnknownLinks extends Error {}

/**
 * The connected pairs of channels of an input and the first output of a node without a weight. Throws
 * {@link UnknownLinks} where they are not known.
 */
export function channelLinks(node: Node, input: number, visit: (from: number, to: number) => void): void {
  const { operator, inputs, outputs, attributes } = node
  const [from, to] = [channelsOf(inputs[input]), channelsOf(outputs[0])]
  const all = (first: number, count: number, each: (i: number) => number) => {
    for (let i = 0; i < count; i++) visit(first + i, each(i))
  }
  const unknown = () => new UnknownLinks(`how ${operator.name} connects channels is not known`)
  if (SAME.has(operator.name)) {
    if (from !== to && from !== 1) throw unknown()
    all(0, from, (i) => i)
    if (from < to) for (let o = 1; o < to; o++) visit(0, o)
  } else if (operator.name === 'Flatten' || operator.name === 'Reshape') {
    if (inputs[input].shape[0] !== outputs[0].shape[0]) throw unknown()
    if (to % from === 0) for (let o = 0; o < to; o++) visit(Math.floor(o / (to / from)), o)
    else if (from % to === 0) all(0, from, (i) => Math.floor(i / (from / to)))
    else throw unknown()
  } else if (operator.name === 'Transpose') {
    const perm = attribute<Shape>(attributes, 'perm', [])
    if (perm[0] !== 0) throw unknown()
    if (perm[1] === 1) all(0, from, (i) => i)
    else for (let i = 0; i < from; i++) for (let o = 0; o < to; o++) visit(i, o)
  } else if (operator.name === 'ReduceMean' || operator.name === 'ReduceSum') {
    if (from !== to || axesOf(attributes).some((axis) => axis < 2)) throw unknown()
    all(0, from, (i) => i)
  } else if (operator.name === 'Concat') {
    const joined = attribute<number>(attributes, 'axis', 1) === 1
    const before = joined ? inputs.slice(0, input).reduce((sum, tensor) => sum + channelsOf(tensor), 0) : 0
    all(0, from, (i) => before + i)
  } else if (operator.name === 'Slice') {
    const [start, step] = grid(attributes)
    for (let o = 0; o < to; o++) visit(start + o * step, o)
  } else if (operator.name === 'Place') {
    const [start, step] = grid(attributes)
    all(0, from, (i) => start + i * step)
  } else if (operator.name === 'Softmax') {
    for (let i = 0; i < from; i++) for (let o = 0; o < to; o++) visit(i, o)
  } else throw unknown()
}

const axesOf = (attributes: Attributes) => attribute<Shape>(attributes, 'axes', [])
/** Where a Slice or Place begins along axis 1, and its step. */
const grid = (attributes: Attributes) =>
  ['starts', 'steps'].map((name) => attribute<Shape>(attributes, name, [])[1]) as [number, number]

/**
 * Weights of one output channel, or that meet one input channel, as runs: `times` runs of `length` weights
 * from `start`, `step` apart.
 */
export interface Run {
  start: number
  length: number
  step: number
  times: number
}

/** The weights that make an output channel of a layer or normalization. */
export function outputRun(node: Node, channel: number): Run {
  const { shape } = weightOf(node)!
  const size = sizeOf(shape)
  if (rowsAreInputs(node)) return { start: channel, length: 1, step: shape[1], times: shape[0] }
  return { start: (channel * size) / shape[0], length: size / shape[0], step: 0, times: 1 }
}

/** The weights that an input channel of a layer is multiplied with. */
export function inputRun(node: Node, channel: number): Run {
  const { shape } = weightOf(node)!
  if (rowsAreInputs(node)) return { start: channel * shape[1], length: shape[1], step: 0, times: 1 }
  const ins = shape[1] ?? 1
  const row = sizeOf(shape) / shape[0]
  const groups = channelsOf(node.inputs[0]) / ins
  const out = shape[0] / groups
  const first = Math.floor(channel / ins) * out * row
  return { start: first + (channel % ins) * (row / ins), length: row / ins, step: row, times: out }
}

/** Whether a weight is [inputs, outputs], as MatMul has it. */
const rowsAreInputs = ({ operator, attributes }: Node): boolean =>
  operator.name === 'MatMul' || (operator.name === 'Gemm' && transposes(attributes).transB === 0)
