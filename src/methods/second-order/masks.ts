/** @file Masks of second-order pruning by the size of scores: exact counts, or those of the authors' code. */

import { selectTop } from '../../select/top.ts'
import { selectWithin } from '../../select/two-budgets.ts'
import { keptCount } from '../../sparsity/count.ts'

type Scores = readonly (Float32Array | Float64Array)[]

export interface TopOptions {
  /** Share of zeros, 0 to 1. */
  sparsity: number
  /** The same of every tensor, whose scores then compete among themselves. */
  sparsities?: readonly number[]
  /** Which scores compete: all of them, or those of a tensor each. */
  scope: 'global' | 'layerwise'
  /**
   * Counts as in the authors' code: the scores strictly above the k-th largest, k = ceil(n (1 - s)), hence
   * one fewer.
   */
  faithful: boolean
  /** What the kept weights may cost, where all scores compete. Default: anything. */
  multiplyAdds?: TensorCosts
}

/** Multiply-adds of each weight of a tensor, by tensor, and of all that are kept at most. */
export interface TensorCosts {
  costs: readonly number[]
  most: number
}

/**
 * Ones at the largest scores, n - round(s n) of them, the earlier of equal ones; one mask per tensor. Under a
 * budget of multiply-adds at most as many, of the largest sum.
 */
export function topMasks(scores: Scores, options: TopOptions): Float32Array[] {
  const { sparsity, sparsities, scope, faithful, multiplyAdds } = options
  const masks = scores.map(({ length }) => new Float32Array(length))
  const select = (some: Scores, into: typeof masks, share: number) => {
    const size = some.reduce((sum, { length }) => sum + length, 0)
    const count = faithful ? strictCount(size, share) : keptCount(size, share)
    if (multiplyAdds) selectWithin(some, multiplyAdds.costs, { count, cost: multiplyAdds.most }, into)
    else selectTop(some, count, into)
  }
  if (scope === 'global' && !sparsities) select(scores, masks, sparsity)
  else scores.forEach((some, t) => void select([some], [masks[t]], sparsities?.[t] ?? sparsity))
  return masks
}

const strictCount = (size: number, sparsity: number) => (sparsity === 0 ? size : Math.ceil(size * (1 - sparsity)) - 1)
