/** @file Whether the training of a recipe has room on this machine. */
import { totalmem } from 'node:os'
import type { Model } from '../../models/model.ts'
import { planTraining } from '../../train/training-plan.ts'
import { UserError } from '../../util/errors.ts'
import { bytes } from '../../util/format.ts'
import type { Recipe } from '../recipe/schema.ts'

/** Whether a training step has room on this machine. Throws UserError. */
export function checkMemory({ train: { batch } }: Recipe, model: Model): void {
  const { persistent, peak, addressable } = planTraining(model, batch)
  const needed = Object.values(persistent).reduce((sum, part) => sum + part, peak)
  const limit = process.constrainedMemory() ?? 0
  const here = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  if (addressable && needed <= here) return
  const most = addressable
    ? `the ${bytes(here)} of this machine`
    : `the ${bytes(4 * (2 ** 31 - 1))} that an engine addresses`
  throw new UserError(
    `train.batch: a step of ${model.name} on ${batch} samples takes ${bytes(needed)}, more than ${most}: expected a smaller batch`,
  )
}
