/**
 * @file How much of an update is made: the quadratic model of the loss holds near the weights only, and the
 * sample gradients know the others badly, so that the loss on samples that gave no gradients decides.
 */

/** compensation * `scale` + descent * `firstOrder` (../../prune/second-order/update.ts). */
export interface Step {
  scale: number
  firstOrder: number
}

/**
 * Shares of the compensation and of the descent step, in the order in which they are tried. With 1, a descent
 * step asks every sample's loss to fall by 1.
 */
const SCALES = [1, 0.75, 0.5, 0.25, 0]
const FIRST_ORDERS = [0, 0.1, 0.3, 1]

/** `search`, or a share that is given; of the descent step also shares to try, rising from 0. */
export interface StepOptions {
  scale: number | 'search'
  firstOrder: number | 'search' | readonly number[]
}

/**
 * The best step found: shares of the descent step rising from 0 as long as the loss falls, then those of the
 * compensation falling from 1; and no step at all where that is better. `none` is its loss; `loss` is that of
 * a step.
 */
export function lineSearch(
  { scale, firstOrder }: StepOptions,
  none: number,
  loss: (step: Step) => number,
): Step & { loss: number } {
  const at = (step: Step) => ({ ...step, loss: loss(step) })
  const steps = firstOrder === 'search' ? FIRST_ORDERS : [firstOrder].flat()
  const scales = scale === 'search' ? SCALES : [scale]
  let best = at({ scale: scales[0], firstOrder: steps[0] })
  const walk = (some: readonly Step[]) => {
    for (const step of some) {
      const next = at(step)
      if (next.loss >= best.loss) return
      best = next
    }
  }
  walk(steps.slice(1).map((g) => ({ ...best, firstOrder: g })))
  walk(scales.slice(1).map((c) => ({ ...best, scale: c })))
  if (scale === 'search' && none < best.loss) return { scale: 0, firstOrder: 0, loss: none }
  return best
}
