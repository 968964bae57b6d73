/** @file Masks of second-order pruning by the size of scores: exact counts, or those of the authors' code. */

import { selectTop } from '../../select/top.ts'
import { keptCount } from '../../sparsity/count.ts'

type Scores = readonly (Float32Array | Float64Array)[]

export interface TopOptions {
  /** Share of zeros, 0 to 1. */
  sparsity: number
  /** Which scores compete: all of them, or those of a tensor each. */
  scope: 'global' | 'layerwise'
  /**
   * Counts as in the authors' code: the scores strictly above the k-th largest, k = ceil(n (1 - s)), hence
   * one fewer.
   */
  faithful: boolean
}

/** Ones at the largest scores, n - round(s n) of them, the earlier of equal ones; one mask per tensor. */
export function topMasks(scores: Scores, { sparsity, scope, faithful }: TopOptions): Float32Array[] {
  const masks = scores.map(({ length }) => new Float32Array(length))
  const select = (some: Scores, into: typeof masks) => {
    const size = some.reduce((sum, { length }) => sum + length, 0)
    selectTop(some, faithful ? strictCount(size, sparsity) : keptCount(size, sparsity), into)
  }
  if (scope === 'global') select(scores, masks)
  else scores.forEach((some, t) => void select([some], [masks[t]]))
  return masks
}

const strictCount = (size: number, sparsity: number) => (sparsity === 0 ? size : Math.ceil(size * (1 - sparsity)) - 1)
