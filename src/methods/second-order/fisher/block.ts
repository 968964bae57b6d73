/** @file Products with the gradient columns of a block: G is N x n, vectors of n are one list per tensor. */
import type { FisherBlock } from './columns.ts'

/** n, the number of weights. */
export const weightsOf = ({ tensors }: FisherBlock): number => tensors.reduce((sum, { size }) => sum + size, 0)

/** The names of its tensors, for people. */
export const namesOf = ({ tensors }: FisherBlock): string => tensors.map(({ name }) => name).join(', ')

/** G x. */
export function combine({ samples, tensors }: FisherBlock, x: readonly ArrayLike<number>[]): Float64Array {
  const v = new Float64Array(samples)
  tensors.forEach((tensor, t) => void tensor.combine(x[t], v))
  return v
}

/** G' v. */
export function correlate({ tensors }: FisherBlock, v: Float64Array): Float64Array[] {
  return tensors.map((tensor) => {
    const sums = new Float64Array(tensor.size)
    tensor.correlate(v, sums)
    return sums
  })
}
