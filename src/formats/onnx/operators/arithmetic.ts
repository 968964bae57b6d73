/** @file Sums, products, quotients, powers and extremes, with broadcasting. */
import type { Graph } from '../../../graph/graph.ts'
import { div, fmod, maximum, minimum, modulo, pow } from '../../../graph/operators/arithmetic.ts'
import { add, mul, reciprocal, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import { trunc } from '../../../graph/operators/functions.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { binary, combine, isWhole, ofAll } from './elementwise.ts'
import { limited } from './limits.ts'

const divide = (graph: Graph, a: Tensor, b: Tensor) => {
  if (b.role !== 'constant') return div(graph, a, b)
  const inverse = typeof b.values === 'number' ? 1 / b.values : Float64Array.from(b.values!, (x) => 1 / x)
  return mul(graph, a, graph.constant(inverse, b.shape))
}

/** The value of a constant that is one number. */
const numberIn = ({ role, values, shape }: Tensor): number | undefined => {
  if (role !== 'constant' || shape.length > 1) return undefined
  return typeof values === 'number' ? values : values?.length === 1 ? values[0] : undefined
}

/** A limit where one of the operands is a number. */
function larger(graph: Graph, a: Tensor, b: Tensor): Tensor {
  const [left, right] = [numberIn(a), numberIn(b)]
  if (right !== undefined) return limited(graph, a, { least: right })
  return left === undefined ? maximum(graph, a, b) : limited(graph, b, { least: left })
}

function smaller(graph: Graph, a: Tensor, b: Tensor): Tensor {
  const [left, right] = [numberIn(a), numberIn(b)]
  if (right !== undefined) return limited(graph, a, { most: right })
  return left === undefined ? minimum(graph, a, b) : limited(graph, b, { most: left })
}

/** Powers that are cheaper otherwise, and more exact. */
const powers: Record<number, (graph: Graph, x: Tensor) => Tensor> = {
  1: (_graph, x) => x,
  2: (graph, x) => mul(graph, x, x),
  3: (graph, x) => mul(graph, mul(graph, x, x), x),
  0.5: sqrt,
  [-1]: reciprocal,
  [-0.5]: (graph, x) => reciprocal(graph, sqrt(graph, x)),
}

const numberOf = (value: Value | undefined) =>
  value instanceof Known && value.size === 1 && value.shape.length <= 1 ? value.values[0] : undefined

const power: Translator = (operation, [x, exponent], scope) => {
  const one = numberOf(exponent)
  const shortcut = one === undefined ? undefined : powers[one]
  const whole = isWhole(x, scope)
  const y = shortcut
    ? scope.map(x, operation, (tensor) => shortcut(scope.graph, tensor))
    : combine(operation, [x, exponent], scope, (graph, [a, b]) => pow(graph, a, b))
  return [whole ? scope.map(y, operation, (tensor) => trunc(scope.graph, tensor)) : y]
}

const quotient: Translator = (operation, [a, b], scope) => {
  if (!isWhole(a, scope)) return binary(divide)(operation, [a, b], scope)
  return binary((graph, x, y) => trunc(graph, div(graph, x, y)))(operation, [a, b], scope)
}

/** Python's remainder, which has the sign of b; with `fmod` that of C, which has the sign of a. */
const remainder: Translator = (operation, [a, b], scope) => {
  const asC = operation.integer('fmod', 0) !== 0
  if (!asC && !isWhole(a, scope)) throw new Unsupported(`${operation.label}: the remainder of floats needs fmod=1`)
  return binary(asC ? fmod : modulo)(operation, [a, b], scope)
}

const sum = ofAll(binary(add, 0))

export const arithmetic: Record<string, Translator> = {
  Add: binary(add, 0),
  Sub: binary(sub),
  Mul: binary(mul, 1),
  Div: quotient,
  Mod: remainder,
  Pow: power,
  Sum: sum,
  Mean: (operation, inputs, scope) => {
    const [total] = sum(operation, inputs, scope)
    const share = scope.graph.constant(1 / inputs.length)
    return [scope.map(total, operation, (tensor) => mul(scope.graph, tensor, share))]
  },
  Max: ofAll(binary(larger)),
  Min: ofAll(binary(smaller)),
}
