/** @file Biases of layers. */
import type { Fan, Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { type Scope, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'

/** A bias of `size`: one per output, or one for all. */
export function biasOf(
  value: Value | undefined,
  size: number,
  fan: Fan,
  scope: Scope,
  operation: Operation,
): Tensor | undefined {
  if (value === undefined) return undefined
  const known = scope.known(value, operation, 'bias')
  const last = known.shape.at(-1) ?? 1
  if (known.size !== last || known.shape.length > 2 || (last !== size && last !== 1))
    throw new Unsupported(`${operation.label}: expected a bias of ${size} values, found [${known.shape}]`)
  if (last === size) return scope.parameter(known.reshaped([size]), fan)
  return scope.constant(new Known([size], () => Array(size).fill(known.values[0])))
}
