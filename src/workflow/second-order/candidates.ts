/** @file How much of a candidate's update is made, and which candidate is taken: the loss on samples that gave no gradients decides. */
import { lineSearch, type Step } from './line-search.ts'
import type { Candidate, Stage, Tried } from './stage.ts'

type Tries = Pick<Stage, 'weights' | 'settings' | 'judge' | 'clock'>

/** The candidate with the best step along its update. */
export function tried({ weights, settings, judge, clock }: Tries, candidate: Candidate): Tried {
  const { masks, update } = candidate
  const selected = judge.loss(weights, masks)
  if (!update) return { ...candidate, selected, step: { scale: 0, firstOrder: 0, loss: selected } }
  const shares = { scale: settings.scale, firstOrder: update.descent ? settings.firstOrder : 0 }
  const step = clock.timed('update', () =>
    lineSearch(shares, selected, (some) => judge.loss(moved(weights, candidate, some), masks)),
  )
  return { ...candidate, selected, step }
}

/** The first one of the lowest loss. */
export const lowestLoss = (some: readonly Tried[]): Tried => some.reduce((a, b) => (b.step.loss < a.step.loss ? b : a))

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
