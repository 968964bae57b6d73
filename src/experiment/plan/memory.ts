/** @file Whether the training of a recipe has room on this machine. */
import { totalmem } from 'node:os'
import type { Model } from '../../models/model.ts'
import { planTraining } from '../../train/training-plan.ts'
import { UserError } from '../../util/errors.ts'
import { bytes } from '../../util/format.ts'
import type { Recipe } from '../recipe/schema.ts'

/** Whether a training step has room on this machine. Throws UserError, which says what batch has. */
export function checkMemory({ train: { batch } }: Recipe, model: Model): void {
  const limit = process.constrainedMemory() ?? 0
  const here = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  const { needed, addressable } = stepOf(model, batch)
  if (addressable && needed <= here) return
  const largest = largestBatch(model, batch, here)
  const most = addressable
    ? `the ${bytes(here)} of this machine`
    : `the ${bytes(4 * (2 ** 31 - 1))} that an engine addresses`
  throw new UserError(
    `train.batch: a step of ${model.name} on ${batch} samples takes ${bytes(needed)}, more than ${most}: expected ${largest === 0 ? 'a smaller network' : `at most ${largest}`}`,
  )
}

/** The bytes of a training step, and whether an engine can address them. */
function stepOf(model: Model, batch: number): { needed: number; addressable: boolean } {
  const { persistent, peak, addressable } = planTraining(model, batch)
  return { needed: Object.values(persistent).reduce((sum, part) => sum + part, peak), addressable }
}

/** The largest batch that has room, below one that has none; 0 where no sample has. */
function largestBatch(model: Model, without: number, room: number): number {
  let [fits, none] = [0, without]
  while (none - fits > 1) {
    const between = Math.floor((fits + none) / 2)
    const { needed, addressable } = stepOf(model, between)
    if (addressable && needed <= room) fits = between
    else none = between
  }
  return fits
}
