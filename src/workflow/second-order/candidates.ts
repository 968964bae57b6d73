/** @file Which of a stage's candidates is taken, and how much of its update is made: the loss on samples that gave no gradients decides. */
import type { Judge } from './judge.ts'
import { lineSearch, type Step, type StepOptions } from './line-search.ts'
import type { Candidate } from './stage.ts'

export interface Taken {
  candidate: Candidate
  /** Loss without the update. */
  selected: number
  step: Step & { loss: number }
}

/** The candidate whose whole compensation leaves the lowest loss, and the best step along its update. */
export function bestCandidate(
  candidates: readonly Candidate[],
  weights: readonly Float32Array[],
  judge: Judge,
  { scale, firstOrder }: StepOptions,
): Taken {
  const lossOf = (one: Candidate, step: Step) => judge.loss(moved(weights, one, step), one.masks)
  const losses = candidates.map((one) => (candidates.length === 1 ? 0 : lossOf(one, { scale: 1, firstOrder: 0 })))
  const candidate = candidates[losses.indexOf(Math.min(...losses))]
  const { masks, update } = candidate
  const selected = judge.loss(weights, masks)
  if (!update) return { candidate, selected, step: { scale: 0, firstOrder: 0, loss: selected } }
  const shares = { scale, firstOrder: update.descent ? firstOrder : 0 }
  return { candidate, selected, step: lineSearch(shares, selected, (step) => lossOf(candidate, step)) }
}

/** The weights after a step of a candidate's update. */
export function moved(
  weights: readonly Float32Array[],
  { update }: Candidate,
  { scale, firstOrder }: Step,
): Float32Array[] {
  return weights.map((w, t) => {
    if (!update) return w
    const [change, descent] = [update.compensation[t], update.descent?.[t]]
    return w.map((x, q) => x + scale * change[q] + (descent ? firstOrder * descent[q] : 0))
  })
}
