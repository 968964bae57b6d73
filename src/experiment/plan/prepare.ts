/**
 * @file What comes before a run: the data, the plan of pruning and the network of a recipe, with every check
 * that can be made before anything is measured or written. A run and its dry run both begin here, so that
 * they refuse the same, in the same words.
 */
import { totalmem } from 'node:os'
import type { Dataset } from '../../data/dataset.ts'
import { loadDataset } from '../../data/index.ts'
import { guessedOf, normalizationText, normalized } from '../../data/normalization.ts'
import type { OnProgress } from '../../data/progress.ts'
import type { Machine } from '../../engine/machine.ts'
import { openMachine } from '../../engine/machines/open.ts'
import type { Model } from '../../models/model.ts'
import type { Network } from '../../train/network.ts'
import { checkFits } from '../../train/options.ts'
import { planTraining } from '../../train/training-plan.ts'
import { UserError } from '../../util/errors.ts'
import { bytes } from '../../util/format.ts'
import { checkRecipe, type Recipe } from '../recipe/recipe.ts'
import { type Phase, ticketPhases } from '../ticket/ticket.ts'
import { freezeStep } from './gsm.ts'
import { type PruningPlan, pruningPlan } from './pruning-plan.ts'
import { rewiringHook } from './rewiring-plan.ts'
import { buildNetwork, firstStep, modelOf, pruningSchedule } from './setup.ts'

export interface Prepared {
  data: Dataset
  network: Network
  plan?: PruningPlan
}

/** What is there already, in the place of what the recipe names or the machine has. */
export interface Given {
  data?: Dataset
  machine?: Machine
  onData?: OnProgress
}

/** The data set of a recipe. Throws UserError. */
export async function recipeData({ data }: Recipe, onProgress?: OnProgress): Promise<Dataset> {
  const { name, normalization, size, crop, skipCorrupt, mean, std } = data
  const stored = await loadDataset(name, { normalization, size, crop, skipCorrupt, onProgress })
  return normalized(stored, { mean, std }, { mean: 'data.mean', std: 'data.std' }, 'of the recipe')
}

/** A sentence where nobody said how pixels become inputs. */
export function guessedInputs(data: Dataset): string | undefined {
  const guessed = guessedOf(data)
  return (
    guessed &&
    `${guessed} of the inputs are guessed, ${normalizationText(data)}; data.mean and data.std (numbers, or data to measure them) or data.normalization set them`
  )
}

/**
 * Everything that a run of a recipe without a ticket section begins with. Throws UserError where it cannot be
 * run.
 */
export async function prepareRun(recipe: Recipe, given: Given = {}): Promise<Prepared> {
  const model = modelOf(recipe)
  checkMemory(recipe, model)
  const data = given.data ?? (await recipeData(recipe, given.onData))
  checkAgainst(recipe, model, data)
  const plan = pruningPlan(recipe, model, data)
  const network = await buildNetwork(recipe, data, given.machine ?? (await openMachine()), plan)
  return { data, network, plan }
}

/**
 * The runs that a recipe asks for, in the folder: with a ticket section several. Throws UserError where the
 * plan does not fit the network.
 */
export function phasesOf(recipe: Recipe, folder = ''): Phase[] {
  if (!recipe.ticket) return [{ name: recipe.name, recipe }]
  return ticketPhases(recipe, modelOf(recipe), folder, (value) => checkRecipe(value, 'ticket'))
}

/**
 * The same as {@link prepareRun} for recipes with and without a ticket section: of several runs all are
 * checked, and the first one is prepared.
 */
export async function prepareAll(recipe: Recipe, given: Given = {}): Promise<Prepared> {
  const [first, ...others] = phasesOf(recipe)
  const prepared = await prepareRun(first.recipe, given)
  for (const phase of others) checkAgainst(phase.recipe, prepared.network.model, prepared.data)
  return prepared
}

export const stepsPerEpoch = ({ train, data: { validation } }: Recipe, data: Dataset): number =>
  Math.ceil((data.train.count - validation) / train.batch)

/**
 * Whether a recipe fits the data: shapes, the batch, and all times against the length of the training. Throws
 * UserError.
 */
function checkAgainst(recipe: Recipe, model: Model, data: Dataset): void {
  checkFits(model, data, recipe.train.batch, recipe.data.validation)
  const perEpoch = stepsPerEpoch(recipe, data)
  pruningSchedule(recipe, perEpoch)
  firstStep(recipe, perEpoch)
  freezeStep(recipe, perEpoch)
  rewiringHook(recipe, perEpoch, () => {})
}

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
