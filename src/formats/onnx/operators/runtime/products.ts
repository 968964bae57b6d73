/** @file Matrix products with the transpositions and the factor beside them. */
import { mul } from '../../../../graph/operators/elementwise.ts'
import type { Operation } from '../../operation.ts'
import { type Scope, type Translator, Unsupported } from '../../scope.ts'
import { Known, Permuted, type Value } from '../../value.ts'
import { permuted, products } from '../products.ts'

/** A value with its last two axes exchanged; a vector as it is. */
function turned(value: Value | undefined, scope: Scope, operation: Operation): Value | undefined {
  const rank = value?.shape.length ?? 0
  if (value === undefined || rank < 2) return value
  if (value instanceof Known && rank === 2) return value.transposed()
  const last = [...Array(rank - 2).keys(), rank - 1, rank - 2]
  return permuted(value instanceof Permuted ? value : scope.tensor(value, operation), last)
}

/** alpha A' B' for every place of the leading axes. */
const fused: Translator = (operation, [a, b], scope) => {
  for (const name of ['transBatchA', 'transBatchB'])
    if (operation.integer(name, 0) !== 0)
      throw new Unsupported(`${operation.label}: its attribute ${name} is not supported`)
  const [left, right] = [
    operation.integer('transA', 0) ? turned(a, scope, operation) : a,
    operation.integer('transB', 0) ? turned(b, scope, operation) : b,
  ]
  const [product] = products.MatMul(operation, [left, right], scope)
  const alpha = operation.float('alpha', 1)
  if (alpha === 1) return [product]
  return [scope.map(product, operation, (x) => mul(scope.graph, x, scope.graph.constant(alpha)))]
}

export const fusedProducts: Record<string, Translator> = { FusedMatMul: fused }
