/** @file Sums, products and their inverses, with broadcasting. */
import type { Graph } from '../../../graph/graph.ts'
import { add, mul, reciprocal, relu, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { Known, Permuted, type Value } from '../value.ts'
import { limited } from './limits.ts'
import { broadcastable } from './samples.ts'

/** `learned`: how a stored operand begins that training may change; others stay as they are. */
const binary =
  (apply: (graph: Graph, a: Tensor, b: Tensor) => Tensor, learned?: number): Translator =>
  (operation, [a, b], scope) => {
    const { graph } = scope
    if (
      a instanceof Permuted &&
      b instanceof Permuted &&
      String(a.perm) === String(b.perm) &&
      a.shape.length === b.shape.length
    )
      return [new Permuted(apply(graph, a.of, b.of), a.perm)]
    const scalar = (value?: Value) => value instanceof Known && value.size === 1 && value.shape.length <= 1
    if (a instanceof Permuted && scalar(b))
      return [new Permuted(apply(graph, a.of, scope.tensor(b, operation)), a.perm)]
    const rank = Math.max(a?.shape.length ?? 0, b?.shape.length ?? 0)
    const operand = (value?: Value) => {
      const given = broadcastable(value, rank, operation, scope)
      return given instanceof Known && learned !== undefined && given.size > 1
        ? scope.parameter(given, learned)
        : scope.tensor(given, operation)
    }
    return [apply(graph, operand(a), operand(b))]
  }

const divide = (graph: Graph, a: Tensor, b: Tensor) => {
  if (b.role !== 'constant') return mul(graph, a, reciprocal(graph, b))
  const inverse = typeof b.values === 'number' ? 1 / b.values : Float64Array.from(b.values!, (x) => 1 / x)
  return mul(graph, a, graph.constant(inverse, b.shape))
}

/** The value of a constant that is one number. */
const numberIn = ({ role, values, shape }: Tensor): number | undefined => {
  if (role !== 'constant' || shape.length > 1) return undefined
  return typeof values === 'number' ? values : values?.length === 1 ? values[0] : undefined
}

/**
 * A limit where one of the operands is a number, else a + relu(b - a). What is computed comes first: beside a
 * constant that is as large as floats are, which stands for no limit, the sum is exact.
 */
function larger(graph: Graph, a: Tensor, b: Tensor): Tensor {
  const [left, right] = [numberIn(a), numberIn(b)]
  if (right !== undefined) return limited(graph, a, { least: right })
  if (left !== undefined) return limited(graph, b, { least: left })
  const [x, y] = computedFirst(a, b)
  return add(graph, x, relu(graph, sub(graph, y, x)))
}

/** Likewise; else a - relu(a - b). */
function smaller(graph: Graph, a: Tensor, b: Tensor): Tensor {
  const [left, right] = [numberIn(a), numberIn(b)]
  if (right !== undefined) return limited(graph, a, { most: right })
  if (left !== undefined) return limited(graph, b, { most: left })
  const [x, y] = computedFirst(a, b)
  return sub(graph, x, relu(graph, sub(graph, x, y)))
}

const computedFirst = (a: Tensor, b: Tensor) => (a.role === 'constant' ? [b, a] : [a, b])

/** Of any number of operands. */
const ofAll =
  (translator: Translator): Translator =>
  (operation, [first, ...others], scope) => [
    others.reduce((value, other) => translator(operation, [value, other], scope)[0], first),
  ]

export const arithmetic: Record<string, Translator> = {
  Add: binary(add, 0),
  Sub: binary(sub),
  Mul: binary(mul, 1),
  Div: binary(divide),
  Sum: ofAll(binary(add, 0)),
  Max: ofAll(binary(larger)),
  Min: ofAll(binary(smaller)),
  Pow: (operation, [x, power], scope) => {
    const exponent = scope.known(power, operation, 'exponent')
    const value = exponent.values[0]
    if (exponent.size !== 1 || (value !== 2 && value !== 0.5))
      throw new Unsupported(
        `${operation.label}: expected an exponent of 2 or 0.5, found ${exponent.size === 1 ? value : `[${exponent.shape}] of them`}`,
      )
    const { graph } = scope
    return [scope.map(x, operation, (tensor) => (value === 2 ? mul(graph, tensor, tensor) : sqrt(graph, tensor)))]
  },
}
