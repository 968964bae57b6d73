/** @file Which training samples second-order pruning takes gradients of, and which judge what it did. */
import type { Model } from '../models/model.ts'
import { isLinear } from '../prune/tensors.ts'
import { numpyPermutation } from '../util/numpy-random.ts'
import { random } from '../util/random.ts'

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

/** Indices of training samples, of `count` in all: those that judge, and of the others as many parts of `gradients` samples as there are, for as many stages. */
export function drawSamples(count: number, { gradients, judge, seed = 0, faithful = false }: SampleCounts) {
  if (faithful) {
    const order = numpyPermutation(seed, count)
    return { gradients: order.slice(0, gradients), judge: order.slice(0, judge) }
  }
  const order = random(seed, 'second-order samples').permutation(count)
  const left = count - judge
  return { gradients: order.slice(0, left - (left % gradients)), judge: order.slice(left) }
}
