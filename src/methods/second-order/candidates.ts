/**
 * @file How much of a candidate's update is made, and which candidate is taken: the loss on samples that gave
 * no gradients decides.
 */
import type { Judge } from './judge.ts'
import { lineSearch, type Step, type StepOptions } from './line-search.ts'
import type { Stage, Tried, Update } from './stage.ts'

type Tries = Pick<Stage, 'weights' | 'judge' | 'clock'> & { settings: StepOptions }

/** Masks without an update. */
export function unchanged({ weights, judge }: Pick<Tries, 'weights' | 'judge'>, masks: Float32Array[]): Tried {
  const selected = judge.loss(weights, masks)
  return { masks, selected, step: { scale: 0, firstOrder: 0, loss: selected } }
}

/** Masks with the best step along one of some updates. The first samples say which; the loss is of all. */
export function bestStep({ weights, settings, judge, clock }: Tries, masks: Float32Array[], updates: Update[]): Tried {
  const selected = judge.loss(weights, masks)
  return clock.timed('update', () => {
    const { first } = judge
    const lossOf = (update: Update, step: Step, by: Judge) => by.loss(moved(weights, update, step), masks)
    const none = first === judge ? selected : first.loss(weights, masks)
    const best = lowestLoss(
      updates.map((update) => {
        const shares = { scale: settings.scale, firstOrder: update.descent ? settings.firstOrder : 0 }
        const step = lineSearch(shares, none, (some) => lossOf(update, some, first))
        return { masks, update, selected, step }
      }),
    )
    if (first !== judge) best.step.loss = lossOf(best.update, best.step, judge)
    return best
  })
}

/** The first one of the lowest loss. */
export const lowestLoss = <T extends Tried>(some: readonly T[]): T =>
  some.reduce((a, b) => (b.step.loss < a.step.loss ? b : a))

/** The weights after a step along an update. */
export function moved(
  weights: readonly Float32Array[],
  { compensation, descent }: Update,
  { scale, firstOrder }: Step,
): Float32Array[] {
  return weights.map((w, t) => {
    const [change, down] = [compensation[t], descent?.[t]]
    return w.map((x, q) => x + scale * change[q] + (down ? firstOrder * down[q] : 0))
  })
}
