/** @file Functions of one number, and of several that are broadcast: axes stay in their order. */
import type { Node } from '../../../graph/operator.ts'
import { attribute } from '../../../graph/operator.ts'
import { EPSILON } from '../../../graph/operators/norm.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { allOf, oneOf } from '../known.ts'
import { asIs, type Order, reordered, sameOrder, sameSequence, shapeIn } from '../order.ts'
import type { OperatorName } from '../schema.ts'
import type { Translation, Write } from '../translation.ts'

const unary =
  (name: OperatorName): Write =>
  ({ inputs: [x], outputs: [y] }, to) => {
    const order = to.orderOf(x)
    to.output(y, order, name, [to.input(x, order)])
  }

/** The order of a result: that of the largest computed operand with all of its axes. */
function orderOfResult({ inputs, outputs: [y] }: Node, to: Translation): Order {
  const whole = inputs.filter(({ shape }) => shape.length === y.shape.length)
  const computed = whole.filter((input) => !to.known.has(input))
  const [first] = computed.sort((a, b) => sizeOf(b.shape) - sizeOf(a.shape))
  return first ? to.orderOf(first) : asIs(y.shape.length)
}

/** The inputs of a node that broadcasts as its result lies. */
export function operands(node: Node, to: Translation): { order: Order; inputs: number[] } {
  const order = orderOfResult(node, to)
  return { order, inputs: node.inputs.map((input) => operand(node, to, input, order)) }
}

function operand(node: Node, to: Translation, x: Tensor, order: Order): number {
  const rank = order.length
  const shape = [...Array<number>(rank - x.shape.length).fill(1), ...x.shape]
  const numbers = to.known.get(x)
  if (numbers !== undefined) {
    const single = oneOf(numbers)
    // Others say how large the result is.
    const others = node.inputs.some((other) => other !== x && sizeOf(other.shape) === sizeOf(node.outputs[0].shape))
    if (single !== undefined && others) return to.store(x.name, rank > 0 ? [1] : [], Float32Array.of(single))
    return to.store(x.name, shapeIn(shape, order), reordered(allOf(numbers, x.shape), shape, order))
  }
  if (rank === x.shape.length) return to.input(x, order)
  const index = to.input(x)
  if (sameOrder(order, asIs(rank))) return index
  const whole = sameSequence(shape, asIs(rank), order)
    ? index
    : to.reshaped(index, shape, to.between(`${x.name} (all axes)`, shape))
  return to.rearranged(whole, x.name, shape, asIs(rank), order)
}

const broadcast =
  (name: OperatorName): Write =>
  (node, to) => {
    const { order, inputs } = operands(node, to)
    to.output(node.outputs[0], order, name, inputs)
  }

/** x where it is above 0, else alpha x. */
const leakyRelu: Write = ({ inputs: [x], outputs: [y], attributes }, to) => {
  const order = to.orderOf(x)
  to.output(y, order, 'LEAKY_RELU', [to.input(x, order)], { alpha: attribute<number>(attributes, 'alpha', 0) })
}

/** 1 / x. */
const reciprocal: Write = ({ inputs: [x], outputs: [y] }, to) => {
  const order = to.orderOf(x)
  to.output(y, order, 'DIV', [to.store('one', x.shape.length > 0 ? [1] : [], Float32Array.of(1)), to.input(x, order)])
}

/** Limits that are operators of their own. */
const LIMITS: readonly [low: number, high: number, name: OperatorName][] = [
  [0, 6, 'RELU6'],
  [-1, 1, 'RELU_N1_TO_1'],
]

const clip: Write = (node, to) => {
  const {
    inputs: [x, ...limits],
    outputs: [y],
  } = node
  const [low, high] = limits.map((limit) => to.valuesOf(limit, node, 'limit')[0])
  const order = to.orderOf(x)
  const own = LIMITS.find(([least, most]) => least === low && most === high)
  if (own) return to.output(y, order, own[2], [to.input(x, order)])
  const [least, most] = [low, high].map((limit) =>
    to.store(`limit ${limit}`, x.shape.length > 0 ? [1] : [], Float32Array.of(limit)),
  )
  const raised = to.between(`${y.name} (from below)`, shapeIn(x.shape, order))
  to.file.apply('MAXIMUM', [to.input(x, order), least], raised)
  to.output(y, order, 'MINIMUM', [raised, most])
}

/** Truth is a type of its own there, and 0 or 1 here. */
const comparison =
  (name: 'LESS' | 'LESS_EQUAL' | 'EQUAL'): Write =>
  (node, to) => {
    const { order, inputs } = operands(node, to)
    const [y] = node.outputs
    const truth = to.file.add({ name: `${y.name} (truth)`, shape: shapeIn(y.shape, order), type: 'bool' })
    to.output(y, order, 'CAST', [to.file.apply(name, inputs, truth)])
  }

const where: Write = (node, to) => {
  const {
    order,
    inputs: [condition, ...rest],
  } = operands(node, to)
  const { shape } = to.file.tensors[condition]
  const truth = to.file.add({ name: `${node.outputs[0].name} (truth)`, shape, type: 'bool' })
  const none = to.store('zero', shape.length > 0 ? [1] : [], Float32Array.of(0))
  to.output(node.outputs[0], order, 'SELECT_V2', [to.file.apply('NOT_EQUAL', [condition, none], truth), ...rest])
}

/** A batch normalization that is behind no convolution: a factor and a summand for each channel. */
const batchNormalization: Write = (node, to) => {
  const {
    inputs: [x, ...parts],
    outputs: [y],
    attributes,
  } = node
  const [scale, bias, mean, variance] = parts.map((part) => to.valuesOf(part, node, 'parameter'))
  const epsilon = attribute(attributes, 'epsilon', EPSILON)
  const factors = scale.map((value, c) => value / Math.sqrt(variance[c] + epsilon))
  const summands = bias.map((value, c) => value - mean[c] * factors[c])
  const order = to.orderOf(x)
  const perChannel = (name: string, values: Float32Array) =>
    to.store(
      `${y.name} (${name})`,
      order.map((axis) => (axis === 1 ? values.length : 1)),
      values,
    )
  const scaled = to.between(`${y.name} (scaled)`, shapeIn(x.shape, order))
  to.file.apply('MUL', [to.input(x, order), perChannel('factors', factors)], scaled)
  to.output(y, order, 'ADD', [scaled, perChannel('summands', summands)])
}

/** By our names. */
const UNARY: Record<string, OperatorName> = {
  Neg: 'NEG',
  Relu: 'RELU',
  Abs: 'ABS',
  Sqrt: 'SQRT',
  Sigmoid: 'LOGISTIC',
  Exp: 'EXP',
  Log: 'LOG',
  Tanh: 'TANH',
  Floor: 'FLOOR',
  Ceil: 'CEIL',
  Round: 'ROUND',
  Sign: 'SIGN',
  Sin: 'SIN',
  Cos: 'COS',
  Gelu: 'GELU',
  HardSwish: 'HARD_SWISH',
}
const BINARY: Record<string, OperatorName> = {
  Add: 'ADD',
  Sub: 'SUB',
  Mul: 'MUL',
  Div: 'DIV',
  Max: 'MAXIMUM',
  Min: 'MINIMUM',
  Pow: 'POW',
}

const each = (names: Record<string, OperatorName>, write: (name: OperatorName) => Write): Record<string, Write> =>
  Object.fromEntries(Object.entries(names).map(([ours, theirs]) => [ours, write(theirs)]))

export const elementwise: Record<string, Write> = {
  ...each(UNARY, unary),
  ...each(BINARY, broadcast),
  LeakyRelu: leakyRelu,
  Reciprocal: reciprocal,
  Clip: clip,
  Less: comparison('LESS'),
  LessOrEqual: comparison('LESS_EQUAL'),
  Equal: comparison('EQUAL'),
  Where: where,
  BatchNormalization: batchNormalization,
}
