/**
 * @file Randomized magnitude pruning (RMP), where the Combinatorial Brain Surgeon's search starts (Yu, Serra,
 * Ramalingam & Zhe 2022, arXiv 2203.04466): magnitude pruning inside random buckets of weights, several
 * times; the mask of lowest loss wins.
 */
import { Ranking } from '../../../select/ranking.ts'
import { keptCount } from '../../../sparsity/count.ts'
import { numpyPermutation } from '../../../util/numpy-random.ts'
import { random } from '../../../util/random.ts'
import { concatenate, type Masks, split } from '../fisher/flat.ts'

export interface RandomMagnitudeMode {
  /** Share of the n weights that is removed, 0 to 1. */
  sparsity: number
  /** Seed of the buckets. Default 0; without effect where `faithful`. */
  seed?: number
  /**
   * As the authors' code has it, to compare with published results. Counts are those of its rounding: with k
   * = floor(n (1 - s)), candidate 0 keeps k - 1 weights, the others often more than k (712 for 647 of
   * MLPNet's 32,360 at s = 0.98), and ties at a threshold stand or fall together. Buckets are NumPy's
   * permutations of seeds 1, 2, ... Default false: every candidate keeps exactly n - round(s n).
   */
  faithful?: boolean
}

/**
 * Candidate masks, one per tensor of `weights`. Candidate 0 is global magnitude pruning. Candidate t > 0 cuts
 * a random order of all weights into min(floor(sqrt n), 1000) buckets of equal size, the last one shorter,
 * and keeps the share 1 - s of largest |w| of each, rounded up; of the surplus from rounding, the smallest
 * |w| go. Ties are decided by index, the earlier weight is kept. Throws UserError where a weight is not
 * finite, Error where the sparsity is not from 0 to 1.
 */
export function randomMagnitudeCandidates(
  weights: readonly ArrayLike<number>[],
  { sparsity, seed = 0, faithful = false }: RandomMagnitudeMode,
): (candidate: number) => Masks {
  // From here on weights are named by their rank, 0 for the largest |w|.
  const { order, rank, magnitudes } = ranked(weights)
  const n = order.length
  const size = bucketSize(n)
  const wanted = keptCount(n, sparsity)
  const bucketsOf = (permutation: Uint32Array) =>
    Array.from({ length: Math.ceil(n / size) }, (_, c) =>
      Int32Array.from(permutation.subarray(c * size, (c + 1) * size), (weight) => rank[weight]).sort(),
    )

  function exact(candidate: number): Int32Array {
    if (candidate === 0) return first(wanted)
    const buckets = bucketsOf(random(seed, 'random magnitude', candidate).permutation(n))
    const kept = buckets.map((bucket) => bucket.subarray(0, bucket.length - Math.floor(sparsity * bucket.length)))
    return joined(kept).sort().subarray(0, wanted)
  }

  function asCoded(candidate: number): Int32Array {
    const floor = Math.floor(n * (1 - sparsity))
    if (candidate === 0) return first(floor === 0 ? 0 : magnitudes.indexOf(magnitudes[floor - 1]))
    const buckets = bucketsOf(numpyPermutation(candidate, n))
    const last = buckets.pop()!
    const kept = buckets.map((bucket) => largest(bucket, Math.ceil(size * (1 - sparsity))))
    return joined([...kept, largest(last, Math.max(0, floor - joined(kept).length))])
  }

  /** The first `count` of a bucket, and all that tie with the last of them. */
  function largest(bucket: Int32Array, count: number): Int32Array {
    if (count > 0) while (magnitudes[bucket[count]] === magnitudes[bucket[count - 1]]) count++
    return bucket.subarray(0, count)
  }

  return (candidate) => {
    const mask = new Uint8Array(n)
    for (const place of faithful ? asCoded(candidate) : exact(candidate)) mask[order[place]] = 1
    return split(
      mask,
      weights.map(({ length }) => length),
    )
  }
}

/** The size of the buckets of n weights. */
const bucketSize = (n: number): number => Math.ceil(n / Math.max(1, Math.min(Math.floor(Math.sqrt(n)), 1000)))

/**
 * How many weights the authors' code keeps of n, ties aside: one less than asked for of its candidate 0, and
 * of the others what is left when every bucket but the last rounds up.
 */
export function publishedCounts(n: number, sparsity: number): { least: number; most: number } {
  const size = bucketSize(n)
  const floor = Math.floor(n * (1 - sparsity))
  const rounded = (Math.ceil(n / size) - 1) * Math.ceil(size * (1 - sparsity))
  return { least: Math.max(0, floor - 1), most: Math.max(floor, rounded) }
}

export interface RandomMagnitudeOptions extends RandomMagnitudeMode {
  /** Number of masks tried, candidate 0 included. Default 50. */
  candidates?: number
  /** Called after every candidate. */
  onCandidate?(candidate: RandomMagnitudeCandidate): void
}

export interface RandomMagnitudeCandidate {
  /** 0 .. candidates-1. */
  candidate: number
  /** Number of ones of its masks. */
  kept: number
  loss: number
}

/**
 * The candidate of lowest loss, the first of several. `loss` is the mean loss of the network under masks that
 * it may keep. Throws Error where a loss is NaN, and as `randomMagnitudeCandidates` does.
 */
export function randomMagnitude(
  weights: readonly ArrayLike<number>[],
  loss: (masks: Masks) => number,
  { candidates = 50, onCandidate, ...mode }: RandomMagnitudeOptions,
): RandomMagnitudeCandidate & { masks: Masks } {
  if (!(candidates >= 1)) throw new Error(`expected at least one candidate, found ${candidates}`)
  const draw = randomMagnitudeCandidates(weights, mode)
  let best: (RandomMagnitudeCandidate & { masks: Masks }) | undefined
  for (let candidate = 0; candidate < candidates; candidate++) {
    const masks = draw(candidate)
    const result = { candidate, kept: ones(masks), loss: loss(masks) }
    if (Number.isNaN(result.loss)) throw new Error(`the loss of candidate ${candidate} is NaN, expected a number`)
    if (best === undefined || result.loss < best.loss) best = { ...result, masks }
    onCandidate?.(result)
  }
  return best!
}

const first = (count: number) => Int32Array.from({ length: count }, (_, i) => i)

const ones = (masks: Masks) => masks.reduce((sum, mask) => mask.reduce((a, b) => a + b, sum), 0)

function joined(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Weights by falling |w|, ties by index; the rank of each weight; |w| by rank. */
function ranked(weights: readonly ArrayLike<number>[]) {
  const values = concatenate(weights)
  const ranking = new Ranking(
    values.map((w) => -Math.abs(w)),
    first(values.length),
  )
  const order = first(values.length).map((place) => ranking.at(place))
  const rank = new Int32Array(order.length)
  for (let place = 0; place < order.length; place++) rank[order[place]] = place
  return { order, rank, magnitudes: Float64Array.from(order, (weight) => Math.abs(values[weight])) }
}
