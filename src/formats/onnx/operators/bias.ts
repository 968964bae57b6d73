/** @file Biases of layers. */
import type { Fan, Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { type Scope, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'

/** A bias of `size`, one per output or one for all, as a tensor of `shape` (default: [size]). */
export function biasOf(
  value: Value | undefined,
  size: number,
  fan: Fan,
  scope: Scope,
  operation: Operation,
  shape: readonly number[] = [size],
): Tensor | undefined {
  if (value === undefined) return undefined
  const known = scope.known(value, operation, 'bias')
  const last = known.shape.at(-1) ?? 1
  if (known.size !== last || known.shape.length > 2 || (last !== size && last !== 1))
    throw new Unsupported(`${operation.label}: expected a bias of ${size} values, found [${known.shape}]`)
  if (last === size) return scope.parameter(known.reshaped(shape), fan)
  return scope.constant(new Known(shape, () => Array(size).fill(known.values[0])))
}
