/**
 * @file How the channels of a node's inputs and outputs hang together: through single weights in layers,
 * directly everywhere else. Along which axes they lie is found before (channel-axes.ts); layers have them on
 * axis 1. What reachability and the pruning of whole channels are built on. Forward passes as they are used
 * (batch normalization with given statistics) are covered.
 */
import { type Axes, alignedAxis, channelsOf, reshapedLinks } from './channel-axes.ts'
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
  } else if (operator.name === 'ConvTranspose') {
    const { group } = convOptions(operator.name, attributes)
    const [ins, out, area] = [shape[0], shape[1], shape[2] * shape[3]]
    for (let i = 0, index = 0; i < ins; i++) {
      const first = Math.floor(i / (ins / group)) * out
      for (let o = 0; o < out; o++) for (let tap = 0; tap < area; tap++) visit(i, first + o, index++)
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

/** The number of groups of a convolution, transposed or not; 1 of other nodes. */
export const groupsOf = ({ operator, attributes }: Node): number =>
  operator.name === 'Conv' || operator.name === 'ConvTranspose' ? convOptions(operator.name, attributes).group : 1

/**
 * Whether a node's output channels are its input channels, each changed on its own: depthwise convolutions
 * and batch normalization.
 */
export function isChannelwise(node: Node): boolean {
  const groups = groupsOf(node)
  if (groups > 1) return groups === channelsOf(node.inputs[0]) && groups === channelsOf(node.outputs[0])
  return node.operator.name === 'BatchNormalization'
}

/** Functions of single elements. */
export const ELEMENTWISE: ReadonlySet<string> = new Set(
  [
    'Neg Abs Relu Sqrt Reciprocal Sigmoid Clip Exp Log Tanh Erf Sin Cos Atan Floor Ceil Round Trunc Sign',
    'Add Sub Mul Div Max Min Pow Fmod Less LessOrEqual Equal Where',
  ].flatMap((names) => names.split(' ')),
)

/** Operators that treat every channel on axis 1 on its own, and what lies along other axes together. */
const PLANES = new Set(['MaxPool', 'AveragePool', 'BatchNormalization'])

/** Operators of several operands that are broadcast. */
export const BROADCAST: ReadonlySet<string> = new Set([...ELEMENTWISE, 'Expand', 'BatchMatMul'])

/**
 * Whether the only channel of an input acts on all of several channels, as a map of spatial attention does.
 */
export function isForAll({ operator, inputs, outputs: [out] }: Node, input: number, axes: Axes): boolean {
  const one = channelsOf(inputs[input], axes.get(inputs[input])) === 1
  return BROADCAST.has(operator.name) && one && channelsOf(out, axes.get(out)) > 1
}

/** Operators that make one value of all along some axes. */
export const REDUCTIONS: ReadonlySet<string> = new Set(['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin'])

/** How an operator connects channels is not known. */
export class UnknownLinks extends Error {}

/**
 * The connected pairs of channels of an input and the first output of a node without a weight. Throws
 * {@link UnknownLinks} where they are not known.
 */
export function channelLinks(node: Node, input: number, axes: Axes, visit: (from: number, to: number) => void): void {
  const { operator, inputs, outputs, attributes } = node
  const [x, out] = [inputs[input], outputs[0]]
  const [axis, toAxis] = [axes.get(x)!, axes.get(out)!]
  const [from, to] = [channelsOf(x, axis), channelsOf(out, toAxis)]
  const { name } = operator
  const unknown = () => new UnknownLinks(`how ${name} connects channels is not known`)
  const each = (place: (i: number) => number) => {
    for (let i = 0; i < from; i++) visit(i, place(i))
  }
  const same = () => each((i) => i)
  if (BROADCAST.has(name)) {
    const isProduct = name === 'BatchMatMul' && toAxis >= out.shape.length - 2
    const aligned = alignedAxis(x, out, toAxis)
    if (isProduct || (from > 1 && aligned !== axis) || (from === 1 && channelsOf(x, aligned) > 1)) throw unknown()
    if (from === 1) for (let o = 0; o < to; o++) visit(0, o)
    else same()
  } else if (name === 'Flatten' || name === 'Reshape') reshapedLinks(x.shape, axis, out.shape, toAxis, visit)
  else if (name === 'Transpose') same()
  else if (REDUCTIONS.has(name)) {
    if (from !== to) throw unknown()
    same()
  } else if (axis !== toAxis) throw unknown()
  else if (PLANES.has(name)) {
    if (axis !== 1) throw unknown()
    same()
  } else if (name === 'Softmax') {
    if (attribute(attributes, 'axis', x.shape.length - 1) === axis && from > 1) throw unknown()
    same()
  } else if (name === 'Resample') {
    if (attribute<number>(attributes, 'axis', 0) === axis) resampled(attributes, visit)
    else same()
  } else if (name === 'Concat') {
    const joined = attribute<number>(attributes, 'axis', 1) === axis
    const before = joined ? inputs.slice(0, input).reduce((sum, tensor) => sum + channelsOf(tensor, axis), 0) : 0
    each((i) => before + i)
  } else if (name === 'Slice') {
    const [start, step] = grid(attributes, axis)
    for (let o = 0; o < to; o++) visit(start + o * step, o)
  } else if (name === 'Place') {
    const [start, step] = grid(attributes, axis)
    each((i) => start + i * step)
  } else throw unknown()
}

/** The pairs that the table of a Resample connects. */
function resampled(attributes: Attributes, visit: (from: number, to: number) => void): void {
  const [starts, places] = ['starts', 'places'].map((name) => attribute<Shape>(attributes, name, []))
  for (let o = 0; o + 1 < starts.length; o++) for (let t = starts[o]; t < starts[o + 1]; t++) visit(places[t], o)
}

/** Where a Slice or Place begins along an axis, and its step. */
const grid = (attributes: Attributes, axis: number) =>
  ['starts', 'steps'].map((name) => attribute<Shape>(attributes, name, [])[axis]) as [number, number]

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
  if (node.operator.name === 'ConvTranspose') {
    const row = size / shape[0]
    const ins = (shape[0] * shape[1]) / channelsOf(node.outputs[0])
    const first = Math.floor(channel / shape[1]) * ins * row
    return { start: first + ((channel % shape[1]) * row) / shape[1], length: row / shape[1], step: row, times: ins }
  }
  return { start: (channel * size) / shape[0], length: size / shape[0], step: 0, times: 1 }
}

/** The weights that an input channel of a layer is multiplied with. */
export function inputRun(node: Node, channel: number): Run {
  const { shape } = weightOf(node)!
  if (rowsAreInputs(node)) return { start: channel * shape[1], length: shape[1], step: 0, times: 1 }
  if (node.operator.name === 'ConvTranspose')
    return { start: (channel * sizeOf(shape)) / shape[0], length: sizeOf(shape) / shape[0], step: 0, times: 1 }
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
