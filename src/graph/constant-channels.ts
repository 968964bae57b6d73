/**
 * @file Channels that have one value at every place, whatever the input: zero filters give their bias, and
 * what is computed from constants alone is one. Padding with zeros breaks all constants but 0. What an
 * unknown operator computes is taken to vary.
 */

import { type Axes, channelAxes, channelsOf } from './channel-axes.ts'
import { absorbed, channelAxis, channelKind } from './channel-kind.ts'
import { channelLinks, ELEMENTWISE, weightLinks } from './channels.ts'
import type { Values } from './fold-batch-norm.ts'
import type { Graph } from './graph.ts'
import { attribute, type Node } from './operator.ts'
import { EPSILON } from './operators/norm.ts'
import { type Shape, sizeOf, type Tensor } from './tensor.ts'

/** For every tensor that depends on the input, the value of each channel; NaN where it varies. */
export type Constants = ReadonlyMap<Tensor, Float64Array>

export function constantChannels(graph: Graph, values: Values): Constants {
  const inputs = graph.withRole('input')
  const { nodes, axes } = channelAxes(graph, inputs)
  const varying = (tensor: Tensor) => new Float64Array(channelsOf(tensor, axes.get(tensor))).fill(Number.NaN)
  const found = new Map<Tensor, Float64Array>(inputs.map((tensor) => [tensor, varying(tensor)]))
  for (const node of nodes) {
    const kind = channelKind(node, axes)
    const isKnown = kind !== 'mixed'
    found.set(node.outputs[0], isKnown ? rules[kind](node, found, { values, axes }) : varying(node.outputs[0]))
  }
  return found
}

interface Given {
  values: Values
  axes: Axes
}

type Rule = (node: Node, found: Constants, given: Given) => Float64Array

const layer: Rule = (node, found, { values }) => {
  const [x, weight, bias] = node.inputs
  const [given, weights] = [found.get(x)!, values.get(weight.name)!]
  const isAbsorbed = absorbed(node)
  const offset = bias ? numbersOf(bias, values) : undefined
  const result = Float64Array.from({ length: channelsOf(node.outputs[0]) }, (_, o) => offset?.[o] ?? 0)
  weightLinks(node, (from, to, index) => {
    if (weights[index] !== 0) result[to] += isAbsorbed(given[from]) ? weights[index] * given[from] : Number.NaN
  })
  return result
}

const normalization: Rule = ({ inputs, attributes }, found, { values }) => {
  const given = found.get(inputs[0])!
  const [scale, bias, mean, variance] = inputs.slice(1).map((tensor) => numbersOf(tensor, values))
  const epsilon = attribute(attributes, 'epsilon', EPSILON)
  return given.map((value, c) =>
    scale[c] === 0 ? bias[c] : (scale[c] * (value - mean[c])) / Math.sqrt(variance[c] + epsilon) + bias[c],
  )
}

const elementwise: Rule = ({ operator, inputs, outputs: [out] }, found, { values, axes }) => {
  const axis = axes.get(out)!
  const operands = inputs.map((tensor) => found.get(tensor) ?? perChannel(tensor, out, axis, values))
  return Float64Array.from({ length: channelsOf(out, axis) }, (_, c) => {
    const given = operands.map((operand) => operand[operand.length === 1 ? 0 : c])
    return operator.name === 'Mul' && given.includes(0) ? 0 : operator.fold!(given)
  })
}

/** Products of what is computed: nothing times anything is nothing. */
const product: Rule = ({ inputs, outputs: [out] }, found, { axes }) => {
  const operands = inputs.map((tensor) => found.get(tensor)!)
  return Float64Array.from({ length: channelsOf(out, axes.get(out)) }, (_, c) =>
    operands.some((operand) => operand[operand.length === 1 ? 0 : c] === 0) ? 0 : Number.NaN,
  )
}

/** Of equal values each has the same share. */
const shares: Rule = ({ inputs: [x], attributes }, found) => {
  const share = 1 / x.shape[attribute(attributes, 'axis', x.shape.length - 1)]
  return found.get(x)!.map((value) => (Number.isNaN(value) ? value : share))
}

/** Operators that move channels: what is made of several is constant where all have the same value. */
const moved: Rule = (node, found, { axes }) => {
  const { operator, inputs, outputs } = node
  const [out] = outputs
  // What a Place or Resample puts nothing into is 0.
  const result = new Float64Array(channelsOf(out, axes.get(out)))
  const isMade = new Uint8Array(result.length)
  const isUneven = changesConstants(node, axes)
  const factor = operator.name === 'ReduceSum' ? sizeOf(inputs[0].shape) / sizeOf(out.shape) : 1
  inputs.forEach((tensor, i) => {
    const given = found.get(tensor)!
    channelLinks(node, i, axes, (from, to) => {
      const value = isUneven && given[from] !== 0 ? Number.NaN : factor * given[from]
      result[to] = isMade[to] && result[to] !== value ? Number.NaN : value
      isMade[to] = 1
    })
  })
  return result
}

/**
 * Whether what is the same everywhere may be something else at some places behind an operator, unless it is
 * 0.
 */
function changesConstants({ operator, inputs: [x], outputs: [out], attributes }: Node, axes: Axes): boolean {
  const list = (name: string) => attribute<Shape>(attributes, name, [])
  const axis = axes.get(out)!
  if (operator.name === 'Place') return x.shape.some((n, i) => i !== axis && n !== out.shape[i])
  if (operator.name === 'AveragePool')
    return attribute<number>(attributes, 'count_include_pad', 0) === 1 && list('pads').some((n) => n > 0)
  if (operator.name !== 'Resample' || attribute<number>(attributes, 'axis', 0) === axis) return false
  const [starts, weights] = [list('starts'), list('weights')]
  return starts.slice(1).some((end, row) => weights.slice(starts[row], end).reduce((a, b) => a + b, 0) !== 1)
}

const tied: Rule = (node, found, given) => {
  const { name } = node.operator
  const special: Record<string, Rule> = { BatchNormalization: normalization, BatchMatMul: product, Softmax: shares }
  return (special[name] ?? (ELEMENTWISE.has(name) ? elementwise : moved))(node, found, given)
}

const rules = { layer, tied }

/** All values of a stored tensor. */
function numbersOf({ name, shape, values }: Tensor, given: Values): ArrayLike<number> {
  if (values === undefined) return given.get(name)!
  return typeof values === 'number' ? new Float64Array(sizeOf(shape)).fill(values) : values
}

/**
 * The value that an operand has for each channel of a result (for all of them: one); NaN where it has
 * several.
 */
function perChannel(tensor: Tensor, out: Tensor, outAxis: number, values: Values): Float64Array {
  const numbers = numbersOf(tensor, values)
  const axis = channelAxis(tensor, out, outAxis)
  const channels = axis === undefined ? 1 : tensor.shape[axis]
  const after = axis === undefined ? 1 : sizeOf(tensor.shape.slice(axis + 1))
  const result = Float64Array.from({ length: channels }, (_, c) => numbers[c * after])
  for (let i = 0; i < numbers.length; i++) {
    const channel = Math.floor(i / after) % channels
    if (numbers[i] !== result[channel]) result[channel] = Number.NaN
  }
  return result
}
