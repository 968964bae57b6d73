/**
 * @file Quantized operators, run in floats: whole numbers are exact there up to 2^24. What rounds has the
 * gradient of the identity, so that networks with it can be trained.
 */
import { div, maximum, minimum } from '../../../graph/operators/arithmetic.ts'
import { equal, where } from '../../../graph/operators/comparisons.ts'
import { add, clip, mul, neg, sub } from '../../../graph/operators/elementwise.ts'
import { roundThrough } from '../../../graph/operators/functions.ts'
import { reduceMax, reduceMin } from '../../../graph/operators/reductions.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import { limitsOf } from '../element-type.ts'
import { quantizedType } from '../folds/quantize.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { convolutions } from './convolutions.ts'
import { combine } from './elementwise.ts'
import { rowMajor } from './layouts.ts'
import { products } from './products.ts'
import { eachKnown, scalesFor } from './scales.ts'
import { axisOf } from './sizes.ts'

/** A scale or zero point of numbers, known or computed, for all or for each place of the attribute `axis`. */
function scaleOf(value: Value, like: Value, operation: Operation, scope: Scope): Value {
  if (value instanceof Known) return scalesFor(value, like.shape, operation)
  operation.ignore('block_size')
  const axis = operation.integer('axis', 1)
  const tensor = rowMajor(scope.graph, scope.tensor(value, operation))
  if (tensor.shape.every((n) => n === 1)) return reshape(scope.graph, tensor, [], false)
  const at = axisOf(axis, like.shape.length, operation)
  if (tensor.shape.length !== 1 || tensor.shape[0] !== like.shape[at])
    throw new Unsupported(`${operation.label}: computed scales [${tensor.shape}] are not supported for blocks`)
  const shape = like.shape.map((n, i) => (i === at ? n : 1))
  return reshape(scope.graph, tensor, shape, false)
}

/** round(x / scale) + zero point, kept within limits. */
function quantize(
  x: Value,
  [scale, zero]: readonly (Value | undefined)[],
  limits: readonly [number, number],
  { operation, scope }: { operation: Operation; scope: Scope },
): Value {
  const by = scaleOf(scale!, x, operation, scope)
  const whole = combine(operation, [x, by], scope, (graph, [a, b]) => roundThrough(graph, div(graph, a, b)))
  const from = zero && scaleOf(zero, x, operation, scope)
  const shifted = from ? combine(operation, [whole, from], scope, (graph, [a, b]) => add(graph, a, b)) : whole
  return scope.map(shifted, operation, (tensor) => clip(scope.graph, tensor, limits[0], limits[1]))
}

/** x minus its zero point, which has the rank of x or is one for all. Known numbers stay known. */
function centred(x: Value, zero: Value | undefined, operation: Operation, scope: Scope): Value {
  if (zero === undefined && !(x instanceof Known)) return x
  const from = zero ?? new Known([], () => [0])
  if (x instanceof Known && from instanceof Known)
    return eachKnown(x, [from], operation, (value, [point]) => value - point)
  return combine(operation, [x, from], scope, (graph, [a, b]) => sub(graph, a, b))
}

/** One number for each place of an axis, as a column (`after` more axes follow), or one number for all. */
function along(value: Value | undefined, after: number, operation: Operation, scope: Scope): Value | undefined {
  if (value === undefined || value.shape.length > 1) return value
  const n = value.shape[0] ?? 1
  const shape = n === 1 ? [] : [n, ...Array<number>(after).fill(1)]
  if (value instanceof Known) return value.reshaped(shape)
  return reshape(scope.graph, rowMajor(scope.graph, scope.tensor(value, operation)), shape, false)
}

/** A product of whole numbers times the scales of its operands, divided by that of the result and rounded. */
function requantize(
  product: Value,
  [left, right, scale]: readonly (Value | undefined)[],
  zero: Value | undefined,
  { operation, scope }: { operation: Operation; scope: Scope },
): Value {
  const { graph } = scope
  const limits = zero && limitsOf[scope.typeOf(zero)]
  if (!limits) throw new Unsupported(`${operation.label}: its zero point has an unknown type`)
  const [a, b, c, from] = [left, right, scale, zero].map((value) => scope.tensor(value, operation))
  const factor = div(graph, mul(graph, a, b), c)
  const scaled = mul(graph, scope.tensor(product, operation), factor)
  return clip(graph, add(graph, roundThrough(graph, scaled), from), limits[0], limits[1])
}

const needed = (value: Value | undefined, operation: Operation): Value => {
  if (value === undefined) throw new Unsupported(`${operation.label} lacks an input`)
  return value
}

export const quantized: Record<string, Translator> = {
  DequantizeLinear: (operation, [x, scale, zero], scope) => {
    operation.ignore('output_dtype')
    const given = needed(x, operation)
    const whole = centred(given, zero && scaleOf(zero, given, operation, scope), operation, scope)
    const by = scaleOf(needed(scale, operation), given, operation, scope)
    return [combine(operation, [whole, by], scope, (graph, [a, b]) => mul(graph, a, b))]
  },
  QuantizeLinear: (operation, [x, scale, zero], scope) => {
    const { limits } = quantizedType(operation, zero && scope.typeOf(zero))
    return [quantize(needed(x, operation), [needed(scale, operation), zero], limits, { operation, scope })]
  },
  // To 0 ... 255, by the least and the largest value.
  DynamicQuantizeLinear: (operation, [x], scope) => {
    const { graph } = scope
    const tensor = rowMajor(graph, scope.tensor(x, operation))
    const axes = tensor.shape.map((_, i) => i)
    const none = graph.constant(0)
    const least = minimum(graph, reduceMin(graph, tensor, axes, 0), none)
    const most = maximum(graph, reduceMax(graph, tensor, axes, 0), none)
    const range = mul(graph, sub(graph, most, least), graph.constant(1 / 255))
    const scale = where(graph, equal(graph, range, none), graph.constant(1), range)
    const zero = clip(graph, roundThrough(graph, div(graph, neg(graph, least), scale)), 0, 255)
    return [quantize(tensor, [scale, zero], [0, 255], { operation, scope }), scale, zero]
  },
  ConvInteger: (operation, [x, w, xZero, wZero], scope) => {
    const weight = needed(w, operation)
    const [from, shift] = [along(xZero, 0, operation, scope), along(wZero, weight.shape.length - 1, operation, scope)]
    const values = centred(needed(x, operation), from, operation, scope)
    return convolutions.Conv(operation, [values, centred(weight, shift, operation, scope)], scope)
  },
  MatMulInteger: (operation, [a, b, aZero, bZero], scope) => {
    const left = centred(needed(a, operation), along(aZero, 1, operation, scope), operation, scope)
    const right = centred(needed(b, operation), along(bZero, 0, operation, scope), operation, scope)
    return products.MatMul(operation, [left, right], scope)
  },
  QLinearConv: (operation, [x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias], scope) => {
    const weight = needed(w, operation)
    const [from, shift] = [along(xZero, 0, operation, scope), along(wZero, weight.shape.length - 1, operation, scope)]
    const operands = [
      centred(needed(x, operation), from, operation, scope),
      centred(weight, shift, operation, scope),
      bias instanceof Known ? new Known(bias.shape, () => bias.values) : bias,
    ]
    const [sum] = convolutions.Conv(operation, operands, scope)
    const scales = [along(xScale, 0, operation, scope), along(wScale, weight.shape.length - 2, operation, scope)]
    const results = [along(yScale, 0, operation, scope), along(yZero, 0, operation, scope)]
    return [requantize(needed(sum, operation), [...scales, results[0]], results[1], { operation, scope })]
  },
  QLinearMatMul: (operation, [a, aScale, aZero, b, bScale, bZero, yScale, yZero], scope) => {
    const left = centred(needed(a, operation), along(aZero, 1, operation, scope), operation, scope)
    const right = centred(needed(b, operation), along(bZero, 0, operation, scope), operation, scope)
    const [product] = products.MatMul(operation, [left, right], scope)
    const scales = [along(aScale, 1, operation, scope), along(bScale, 0, operation, scope)]
    const results = [along(yScale, 1, operation, scope), along(yZero, 1, operation, scope)]
    return [requantize(needed(product, operation), [...scales, results[0]], results[1], { operation, scope })]
  },
}
