/** @file Which training samples pruning measures on: those of second-order pruning and those that judge what it did; those that scores are taken on. */
import type { Model } from '../models/model.ts'
import { isLinear } from '../prune/tensors.ts'
import { apportion } from '../select/apportion.ts'
import { numpyPermutation } from '../util/numpy-random.ts'
import { type Random, random } from '../util/random.ts'

/** Gradients where no number is asked for. */
export const usualSamples = (model: Model): number => (isLinear(model) ? 2000 : 1000)
/** Judging samples where no number is asked for. */
export const USUAL_JUDGE = 5000

export interface SampleCounts {
  /** Training samples whose gradients are taken. */
  gradients: number
  /** Training samples whose loss judges; in faithful mode at most `gradients`, else at most what those leave. */
  judge: number
  /** Default 0. */
  seed?: number
  /** As the published code draws: the first of NumPy's permutation for the seed, the judging ones among them. Default false: disjoint. */
  faithful?: boolean
}

/** Indices of training samples, of `count` in all. */
export function drawSamples(count: number, { gradients, judge, seed = 0, faithful = false }: SampleCounts) {
  const order = faithful ? numpyPermutation(seed, count) : random(seed, 'second-order samples').permutation(count)
  const first = faithful ? 0 : gradients
  return { gradients: order.slice(0, gradients), judge: order.slice(first, first + judge) }
}

/**
 * `samples` of some training samples, in random order. Every class (labels by training sample) gives the same share of its samples to within one; the total is
 * exact.
 */
export function drawBalanced(from: Uint32Array, labels: ArrayLike<number>, samples: number, draw: Random): Uint32Array {
  const sizes: number[] = []
  for (const i of from) sizes[labels[i]] = (sizes[labels[i]] ?? 0) + 1
  const perClass = Array.from(sizes, (size) => size ?? 0)
  const open = apportion(samples, perClass, perClass)
  return draw
    .permutation(from.length)
    .map((place) => from[place])
    .filter((i) => open[labels[i]]-- > 0)
}
