/** @file What can be refused of a recipe before its data are looked for: it takes no time. */
import { existsSync } from 'node:fs'
import { readCosts } from '../../calibrate/cost-file.ts'
import { EPOCH_LENGTHS } from '../../util/duration.ts'
import { UserError } from '../../util/errors.ts'
import type { Recipe } from '../recipe/schema.ts'
import { weightsPath } from '../run/weights-path.ts'
import { checkMemory } from './memory.ts'
import { modelOf } from './network.ts'
import { prunedTensors } from './pruning.ts'
import { firstStep, freezeStep, pruningSchedule, snapshotStep } from './times.ts'

/**
 * Throws UserError where the network does not fit this machine, names no layer that it prunes, or begins with
 * files that are not there, and where times fit no number of steps per epoch.
 */
export function checkBeforeData(recipe: Recipe): void {
  const model = modelOf(recipe)
  checkMemory(recipe, model)
  if (recipe.prune) prunedTensors(recipe.prune, model)
  checkTimes(recipe)
  for (const key of ['weights', 'masks'] as const) {
    const path = recipe.model[key]
    if (path !== undefined && !existsSync(weightsPath(path)))
      throw new UserError(`model.${key}: cannot read ${path}: there is no such file or folder`)
  }
  if (recipe.train.costs !== undefined) readCosts(recipe.train.costs)
}

/** What is refused for the same reason at both lengths of an epoch is at every length. */
function checkTimes(recipe: Recipe): void {
  for (const stepOf of [pruningSchedule, firstStep, snapshotStep, freezeStep]) {
    const [short, long] = EPOCH_LENGTHS.map((length) => refusalOf(() => stepOf(recipe, length)))
    if (short && short.message === long?.message) throw short
  }
}

function refusalOf(work: () => unknown): UserError | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  return undefined
}
