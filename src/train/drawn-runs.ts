/** @file Training samples that calibrate a model, in runs of as many as it is written for. */
import type { SampleSet } from '../data/dataset.ts'
import { UserError } from '../util/errors.ts'
import { random } from '../util/random.ts'

export interface DrawnRuns {
  /** Samples of a run. */
  batch: number
  /** Of all runs, at most. */
  most: number
  seed: number
}

/**
 * Indices by run, of samples that are drawn by the seed. Throws UserError where there are too few for one.
 */
export function drawnRuns({ name, train: { count } }: SampleSet, { batch, most, seed }: DrawnRuns): number[][] {
  const runs = Math.floor(Math.min(most, count) / batch)
  if (runs < 1) throw new UserError(`${name} has ${count} training samples, expected ${batch} or more`)
  const order = random(seed, 'calibration images').permutation(count)
  return Array.from({ length: runs }, (_, run) => [...order.subarray(run * batch, (run + 1) * batch)])
}
