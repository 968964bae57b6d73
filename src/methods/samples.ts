/**
 * @file Which training samples pruning measures on: those of second-order pruning and those that judge what
 * it did; those that scores are taken on.
 */
import type { Model } from '../models/model.ts'
import { apportion } from '../select/apportion.ts'
import { isLinear } from '../sparsity/tensors.ts'
import { EVALUATION_BATCH } from '../train/evaluation.ts'
import { numpyPermutation } from '../util/numpy-random.ts'
import { type Random, random } from '../util/random.ts'

/**
 * Gradients or images where no number is asked for: those of a single look at a linear network are cheap. Of
 * many stages each takes others, and few are enough.
 */
export const usualSamples = (model: Model, looks: 'once' | 'stages'): number =>
  looks === 'once' && isLinear(model) ? 4000 : 1000
/** Judging samples where no number is asked for. */
export const USUAL_JUDGE = 5000

/**
 * The places, among `count` training samples, of those that judge where a method has none of its own: at most
 * half of them.
 */
export function judgingPlaces(count: number, seed: number): Uint32Array {
  const judges = Math.min(USUAL_JUDGE, Math.max(1, Math.floor(count / 2)))
  return random(seed, 'judging samples').permutation(count).slice(0, judges)
}

/**
 * Judging samples where no number is asked for, at most `left`. In faithful mode a local search is judged on
 * all `count` training samples, as in the published code.
 */
export const usualJudge = (searches: boolean, faithful: boolean, count: number, left: number): number =>
  faithful && searches ? count : Math.min(USUAL_JUDGE, left)

export interface SampleCounts {
  /** Training samples whose gradients are taken. */
  gradients: number
  /** Training samples whose loss judges; at most what `gradients` leave, or all of them in faithful mode. */
  judge: number
  /** Default 0. */
  seed?: number
  /**
   * As the published code draws: the first of NumPy's permutation for the seed, the judging ones among them.
   * Default false: disjoint.
   */
  faithful?: boolean
  /** Whether those that judge may be among the others, where no choice is theirs. Default false. */
  overlap?: boolean
}

/**
 * Indices of training samples, of `count` in all: those that judge, and of the others as many parts of
 * `gradients` samples as there are, for as many stages. In faithful mode one part, and start masks are judged
 * by samples of their own, the first 5000 whose gradients are taken (in whole evaluation batches).
 */
export function drawSamples(
  count: number,
  { gradients, judge, seed = 0, faithful = false, overlap = false }: SampleCounts,
) {
  if (!faithful) {
    const order = random(seed, 'second-order samples').permutation(count)
    const left = overlap ? count : count - judge
    return { gradients: order.slice(0, left - (left % gradients)), judge: order.slice(count - judge) }
  }
  const order = numpyPermutation(seed, count)
  const starts = Math.min(USUAL_JUDGE, gradients, judge)
  const whole = starts - (starts % EVALUATION_BATCH)
  return {
    gradients: order.slice(0, gradients),
    judge: order.slice(0, judge),
    judgeStart: whole > 0 ? order.slice(0, whole) : undefined,
  }
}

/**
 * `samples` of some training samples, in random order. Every class (labels by training sample) gives the same
 * share of its samples to within one; the total is exact. Without labels they are drawn alike.
 */
export function drawBalanced(
  from: Uint32Array,
  labels: ArrayLike<number> | undefined,
  samples: number,
  draw: Random,
): Uint32Array {
  if (!labels)
    return draw
      .permutation(from.length)
      .slice(0, samples)
      .map((place) => from[place])
  const sizes: number[] = []
  for (const i of from) sizes[labels[i]] = (sizes[labels[i]] ?? 0) + 1
  const perClass = Array.from(sizes, (size) => size ?? 0)
  const open = apportion(samples, perClass, perClass)
  return draw
    .permutation(from.length)
    .map((place) => from[place])
    .filter((i) => open[labels[i]]-- > 0)
}
