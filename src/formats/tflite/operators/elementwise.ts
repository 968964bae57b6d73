/** @file Functions of one number, and of several that are broadcast: axes stay in their order. */
import type { Node } from '../../../graph/operator.ts'
import { attribute } from '../../../graph/operator.ts'
import { EPSILON } from '../../../graph/operators/norm.ts'
import { sameShape, sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { gridOf, sameGrid } from '../grids.ts'
import { allOf, oneOf } from '../known.ts'
import { limitOf } from '../limits.ts'
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

/** Operators that are computed in whole numbers, too. */
const WHOLE = ['ADD', 'SUB', 'MUL']

const broadcast =
  (name: OperatorName): Write =>
  (node, to) => {
    const rounded = WHOLE.includes(name) ? to.roundedBy(node) : undefined
    const sameShapes = node.inputs.every((input) => sameShape(input.shape, node.outputs[0].shape))
    if (rounded && sameShapes && node.inputs.every((input) => to.gridOf(input))) {
      const order = orderOfResult(node, to)
      const codes = node.inputs.map((input) => to.lying(input, order).index)
      return to.outputCodes(rounded, order, name, codes)
    }
    const { order, inputs } = operands(node, to)
    to.output(node.outputs[0], order, name, inputs)
  }

/** max(x, 0): codes stay codes, since 0 is one of them. */
const relu: Write = ({ inputs: [x], outputs: [y] }, to) => {
  const order = to.orderOf(x)
  const { index, grid } = to.lying(x, order)
  to.output(y, order, 'RELU', [index], {}, { grid })
}

/** Rounds to a grid: floats, codes of another grid, or what is on it already. */
const rounding: Write = (node, to) => {
  const {
    inputs: [x],
    outputs: [y],
  } = node
  const [order, grid] = [to.orderOf(x), gridOf(node)]
  const lies = to.lying(x, order)
  if (lies.grid && sameGrid(lies.grid, grid)) return to.place(y, { index: lies.index, order, grid })
  to.output(y, order, 'QUANTIZE', [lies.index], {}, { grid, version: lies.grid ? 2 : 1 })
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

const clip: Write = (node, to) => {
  const {
    inputs: [x, ...limits],
    outputs: [y],
  } = node
  const order = to.orderOf(x)
  const own = limitOf(node, to.known)
  if (own) return to.output(y, order, own, [to.input(x, order)])
  const [low, high] = limits.map((limit) => to.valuesOf(limit, node, 'limit')[0])
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
  Relu: relu,
  Rounding: rounding,
  Clip: clip,
  Less: comparison('LESS'),
  LessOrEqual: comparison('LESS_EQUAL'),
  Equal: comparison('EQUAL'),
  Where: where,
  BatchNormalization: batchNormalization,
}
