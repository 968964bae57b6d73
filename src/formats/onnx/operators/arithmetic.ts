/** @file Sums, products and their inverses, with broadcasting. */
import type { Graph } from '../../../graph/graph.ts'
import { add, mul, reciprocal, relu, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { Known, Permuted, type Value } from '../value.ts'
import { limited } from './limits.ts'

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
    const operand = (value?: Value) =>
      value instanceof Known && learned !== undefined && value.size > 1
        ? scope.parameter(value, learned)
        : scope.tensor(value, operation)
    return [apply(graph, operand(a), operand(b))]
  }

const divide = (graph: Graph, a: Tensor, b: Tensor) => {
  if (b.role !== 'constant') return mul(graph, a, reciprocal(graph, b))
  const inverse = typeof b.values === 'number' ? 1 / b.values : b.values!.map((x) => 1 / x)
  return mul(graph, a, graph.constant(inverse, b.shape))
}

/** The value of a constant that is one number. */
const numberIn = ({ role, values, shape }: Tensor): number | undefined => {
  if (role !== 'constant' || shape.length > 1) return undefined
  return typeof values === 'number' ? values : values?.length === 1 ? values[0] : undefined
}

/** A limit where one of the operands is a number, else a + relu(b - a). */
function larger(graph: Graph, a: Tensor, b: Tensor): Tensor {
  const [left, right] = [numberIn(a), numberIn(b)]
  if (right !== undefined) return limited(graph, a, { least: right })
  return left === undefined ? add(graph, a, relu(graph, sub(graph, b, a))) : limited(graph, b, { least: left })
}

/** Likewise; else a - relu(a - b). */
function smaller(graph: Graph, a: Tensor, b: Tensor): Tensor {
  const [left, right] = [numberIn(a), numberIn(b)]
  if (right !== undefined) return limited(graph, a, { most: right })
  return left === undefined ? sub(graph, a, relu(graph, sub(graph, a, b))) : limited(graph, b, { most: left })
}

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
    const [value] = exponent.list()
    if (exponent.size !== 1 || (value !== 2 && value !== 0.5))
      throw new Unsupported(
        `${operation.label}: expected an exponent of 2 or 0.5, found ${exponent.list().slice(0, 5)}`,
      )
    const { graph } = scope
    return [scope.map(x, operation, (tensor) => (value === 2 ? mul(graph, tensor, tensor) : sqrt(graph, tensor)))]
  },
}
