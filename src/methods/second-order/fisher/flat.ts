/**
 * @file All prunable tensors numbered through as one: weight q of the network is a weight of one of its
 * tensors, which follow each other in the order given.
 */
import { UserError } from '../../../util/errors.ts'

/** One mask per tensor, row-major: 1 where a weight is kept, 0 where it is removed. */
export type Masks = readonly Uint8Array[]

/** The values of all tensors, one after the other. Throws UserError where a value is not finite. */
export function concatenate(tensors: readonly ArrayLike<number>[]): Float64Array {
  for (const [t, tensor] of tensors.entries())
    for (let i = 0; i < tensor.length; i++)
      if (!Number.isFinite(tensor[i]))
        throw new UserError(`weight ${i} of tensor ${t} is ${tensor[i]}, expected finite weights`)
  return join(tensors)
}

/** The values of all tensors, whatever they are, one after the other. */
export function join(tensors: readonly ArrayLike<number>[]): Float64Array {
  const values = new Float64Array(tensors.reduce((n, { length }) => n + length, 0))
  let start = 0
  for (const tensor of tensors) {
    values.set(tensor, start)
    start += tensor.length
  }
  return values
}

/** Views of consecutive parts of `all`, one per size. */
export function split<T extends Uint8Array | Float64Array>(all: T, sizes: readonly number[]): T[] {
  let end = 0
  return sizes.map((size) => all.subarray(end, (end += size)) as T)
}
