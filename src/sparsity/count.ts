/**
 * @file How many weights a sparsity keeps.
 */

import { UserError } from '../util/errors.ts'

/** How many of n prunable weights a sparsity (the share of zeros, 0 to 1) keeps. */
export type Count = (n: number, sparsity: number) => number

/** n - round(sparsity n), halves rounded away from zero: the rule of this project. */
export const keptCount: Count = (n, sparsity) => {
  checkSparsity(sparsity)
  return n - Math.round(sparsity * n)
}

/**
 * (1 - sparsity) n in double precision, cut off, but at least 1; none at sparsity 1. The rule of the code of
 * arXiv 2502.11450, for comparisons with its results: 2,001,887 of VGG19's 20,018,880 weights at 0.9, not
 * 2,001,888.
 */
export const truncatedCount: Count = (n, sparsity) => {
  checkSparsity(sparsity)
  return sparsity === 1 ? 0 : Math.max(1, Math.trunc((1 - sparsity) * n))
}

/** How many values are not zero. */
export function countNonzeros(values: ArrayLike<number>): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) count++
  return count
}

/** Throws UserError. */
export function checkSparsity(sparsity: number): void {
  if (!(typeof sparsity === 'number' && sparsity >= 0 && sparsity <= 1))
    throw new UserError(`expected a sparsity from 0 to 1, found ${sparsity}`)
}
