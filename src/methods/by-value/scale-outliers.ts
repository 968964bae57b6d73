/**
 * @file Tensors whose weights are of another order of magnitude than those of all others: a ranking over all
 * tensors says nothing of them.
 */
import { kthLargest } from '../../select/kth.ts'
import type { Scores } from '../../select/top.ts'

export interface Outlier {
  name: string
  /** Median of |w| of what is not zero, of the tensor and, in the middle, of the others. */
  median: number
  others: number
  /** Of the others the one with the largest median. */
  largest: string
  /** Share of its nonzeros that a pruning removes. */
  removed: number
}

export interface Ranked {
  name: string
  magnitudes(): Scores
  /** Nonzeros before and after. */
  before: number
  kept: number
}

/**
 * How many times larger or smaller than those of the others its median is: where nothing is left of it, and
 * where nearly nothing is, or all.
 */
const FACTOR = { emptied: 10, decided: 100 } as const
/** Share of removed weights from which on a tensor counts as nearly emptied. */
const NEARLY = 0.99

/**
 * Those that a ranking empties, nearly empties, or, where it removes others, does not touch, since they are
 * of another scale.
 */
export function scaleOutliers(tensors: readonly Ranked[]): Outlier[] {
  const total = tensors.reduce((sum, { before, kept }) => sum + before - kept, 0)
  const shares = tensors.map(({ before, kept }) => (before === 0 ? 0 : 1 - kept / before))
  const isDecided = (removed: number) => removed >= NEARLY || (removed === 0 && total > 0)
  if (!shares.some(isDecided)) return []
  const medians = tensors.map(({ magnitudes }) => median(nonzerosOf(magnitudes())))
  const found = tensors.flatMap(({ name }, i): Outlier[] => {
    const rest = tensors.map((_, k) => k).filter((k) => k !== i && medians[k] > 0)
    const others = median(Float64Array.from(rest, (k) => medians[k]))
    const ratio = Math.max(medians[i] / others, others / medians[i])
    const removed = shares[i]
    if (!(isDecided(removed) && ratio > (removed === 1 ? FACTOR.emptied : FACTOR.decided))) return []
    const largest = tensors[rest.reduce((best, k) => (medians[k] > medians[best] ? k : best))].name
    return [{ name, median: medians[i], others, largest, removed }]
  })
  // Of two that are far from one another it is the emptied one that matters.
  const emptied = found.filter(({ removed }) => removed > 0)
  return emptied.length > 0 ? emptied : found
}

/** Those above zero, in the place of the first. */
function nonzerosOf(values: Scores): Scores {
  let count = 0
  for (let i = 0; i < values.length; i++) if (values[i] > 0) values[count++] = values[i]
  return values.subarray(0, count)
}

const median = (values: Scores): number =>
  values.length === 0 ? Number.NaN : kthLargest(values, Math.ceil(values.length / 2))
