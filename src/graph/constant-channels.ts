/**
 * @file Channels that have one value at every place, whatever the input: zero filters give their bias, and
 * what is computed from constants alone is one. Padding with zeros breaks all constants but 0. What an
 * unknown operator computes is taken to vary.
 */
import { absorbed, channelAxis, channelKind } from './channel-kind.ts'
import { channelLinks, channelsOf, dependents, ELEMENTWISE, weightLinks } from './channels.ts'
import type { Values } from './fold-batch-norm.ts'
import type { Graph } from './graph.ts'
import { attribute, type Node } from './operator.ts'
import { EPSILON } from './operators/norm.ts'
import { type Shape, sizeOf, type Tensor } from './tensor.ts'

/** For every tensor that depends on the input, the value of each channel; NaN where it varies. */
export type Constants = ReadonlyMap<Tensor, Float64Array>

export function constantChannels(graph: Graph, values: Values): Constants {
  const inputs = graph.withRole('input')
  const { nodes, tensors } = dependents(graph, inputs)
  const found = new Map<Tensor, Float64Array>(inputs.map((tensor) => [tensor, varying(tensor)]))
  for (const node of nodes) {
    const kind = channelKind(node, tensors)
    found.set(node.outputs[0], kind === 'mixed' ? varying(node.outputs[0]) : rules[kind](node, found, values))
  }
  return found
}

const varying = (tensor: Tensor) => new Float64Array(channelsOf(tensor)).fill(Number.NaN)

type Rule = (node: Node, found: Constants, values: Values) => Float64Array

const layer: Rule = (node, found, values) => {
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

const normalization: Rule = ({ inputs, attributes }, found, values) => {
  const given = found.get(inputs[0])!
  const [scale, bias, mean, variance] = inputs.slice(1).map((tensor) => numbersOf(tensor, values))
  const epsilon = attribute(attributes, 'epsilon', EPSILON)
  return given.map((value, c) =>
    scale[c] === 0 ? bias[c] : (scale[c] * (value - mean[c])) / Math.sqrt(variance[c] + epsilon) + bias[c],
  )
}

const elementwise: Rule = ({ operator, inputs, outputs: [out] }, found, values) => {
  const operands = inputs.map((tensor) => found.get(tensor) ?? perChannel(tensor, out, values))
  return Float64Array.from({ length: channelsOf(out) }, (_, c) => {
    const given = operands.map((operand) => operand[operand.length === 1 ? 0 : c])
    return operator.name === 'Mul' && given.includes(0) ? 0 : operator.fold!(given)
  })
}

/** Operators that move channels: what is made of several is constant where all have the same value. */
const moved: Rule = (node, found) => {
  const { operator, inputs, outputs, attributes } = node
  // What a Place puts nothing into is 0.
  const result = new Float64Array(channelsOf(outputs[0]))
  const isMade = new Uint8Array(result.length)
  const isPadded =
    (operator.name === 'Place' && String(inputs[0].shape.slice(2)) !== String(outputs[0].shape.slice(2))) ||
    (operator.name === 'AveragePool' &&
      attribute<number>(attributes, 'count_include_pad', 0) === 1 &&
      attribute<Shape>(attributes, 'pads', []).some((n) => n > 0))
  const factor = operator.name === 'ReduceSum' ? sizeOf(inputs[0].shape) / sizeOf(outputs[0].shape) : 1
  inputs.forEach((tensor, i) => {
    const given = found.get(tensor)!
    channelLinks(node, i, (from, to) => {
      const value = isPadded && given[from] !== 0 ? Number.NaN : factor * given[from]
      result[to] = isMade[to] && result[to] !== value ? Number.NaN : value
      isMade[to] = 1
    })
  })
  return result
}

const tied: Rule = (node, found, values) => {
  const { name } = node.operator
  const rule = name === 'BatchNormalization' ? normalization : ELEMENTWISE.has(name) ? elementwise : moved
  return rule(node, found, values)
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
function perChannel(tensor: Tensor, out: Tensor, values: Values): Float64Array {
  const numbers = numbersOf(tensor, values)
  const axis = channelAxis(tensor, out)
  const channels = axis === undefined ? 1 : tensor.shape[axis]
  const after = axis === undefined ? 1 : sizeOf(tensor.shape.slice(axis + 1))
  const result = Float64Array.from({ length: channels }, (_, c) => numbers[c * after])
  for (let i = 0; i < numbers.length; i++) {
    const channel = Math.floor(i / after) % channels
    if (numbers[i] !== result[channel]) result[channel] = Number.NaN
  }
  return result
}
