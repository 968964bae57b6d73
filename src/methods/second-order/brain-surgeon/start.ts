/** @file Randomized magnitude pruning in a stage: the start of the Combinatorial Brain Surgeon. */
import type { Stage } from '../stage.ts'
import { randomMagnitude } from './random-magnitude.ts'

/** Of several candidates in the first stage the one of the lowest loss, in later ones magnitude alone. */
export function randomMagnitudeMasks({ stage, sparsity, weights, settings, judgeStart, clock }: Stage): Float32Array[] {
  const { seed, faithful, onProgress } = settings
  const candidates = stage === 1 ? settings.candidates : 1
  const onCandidate = ({ candidate, loss }: { candidate: number; loss: number }) => {
    const done = candidate + 1
    onProgress('search', `start mask ${done} of ${candidates}: loss ${loss.toFixed(4)}`, done / candidates)
  }
  const judge = (masks: readonly ArrayLike<number>[]) => judgeStart.loss(weights, masks)
  const options = { sparsity, seed, faithful, candidates, onCandidate }
  const { masks } = clock.timed('search', () => randomMagnitude(weights, judge, options))
  return masks.map((mask) => Float32Array.from(mask))
}
