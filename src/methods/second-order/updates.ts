/**
 * @file The systematic update (CBS-U) of a stage's weights under given masks, with the best of some dampings.
 */

import { bestStep } from './candidates.ts'
import type { StepOptions } from './line-search.ts'
import { usualDamping } from './options.ts'
import type { Settings, Stage, Tried } from './stage.ts'
import { systematicUpdates } from './update.ts'
import type { Inverses } from './woodfisher/inverses.ts'

/** Dampings, times the usual one: the stronger, the less an update trusts its samples. */
const DAMPINGS = [1, 10, 100]

type UpdateSettings = Pick<Settings, 'lambda' | 'faithful' | 'fisher' | 'onProgress'> & StepOptions

interface UpdateOptions {
  /** Default: what was asked for, else in faithful mode the usual one, else that and stronger ones. */
  dampings?: readonly number[]
  /** Where a first-order term is asked for in faithful mode. */
  inverses?: Pick<Inverses, 'timesGradient'>
}

/** What the published code makes of the mean gradient: so much of A g beside the compensation. */
const PUBLISHED_FIRST_ORDER = 1e-3

/** The masks with the best of their updates, one for each damping. */
export function updatedMasks(
  stage: Pick<Stage, 'columns' | 'weights' | 'space' | 'judge' | 'clock'> & { settings: UpdateSettings },
  masks: Float32Array[],
  { dampings = dampingsOf(stage.settings), inverses }: UpdateOptions = {},
): Tried {
  const { columns, weights, space, settings, clock } = stage
  const zero = () => masks.map(({ length }) => new Float64Array(length))
  const updates = dampings.map((damping) => ({ damping, compensation: zero(), descent: zero() }))
  columns.forEach((block, own, { done, total, group }) => {
    clock.timed('update', () => {
      const { onProgress } = settings
      if (done === 0) onProgress('update', '', 0)
      systematicUpdates(space, block, own(weights), own(masks), dampings).forEach((found, i) => {
        const { compensation, descent } = updates[i]
        own(compensation).forEach((change, p) => void change.set(found.compensation[p]))
        own(descent).forEach((step, p) => void step.set(found.descent[p]))
      })
      const solved = block.parts.reduce((sum, { size }) => sum + size, done)
      onProgress('update', `${group}${solved} of ${total} weights`, solved / total)
    })
  })
  if (settings.faithful && settings.firstOrder !== 0 && inverses) {
    const published = inverses.timesGradient().map((step) => step.map((x) => -PUBLISHED_FIRST_ORDER * x))
    for (const update of updates) update.descent = published
  }
  return bestStep(stage, masks, updates)
}

/** What was asked for, else in faithful mode the usual one, else that and stronger ones. */
function dampingsOf({ lambda, faithful, fisher }: UpdateSettings): readonly number[] {
  if (lambda !== undefined) return [lambda]
  const usual = usualDamping('cbs', fisher)
  return faithful ? [usual] : DAMPINGS.map((times) => times * usual)
}
