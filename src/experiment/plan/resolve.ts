/**
 * @file A recipe resolved against its data, once: everything that a run, a dry run or a ticket begins
 * with is a value of the plan, and nothing else makes these values, so that no check can be forgotten.
 */
import type { LabelledSet } from '../../data/dataset.ts'
import type { OnProgress } from '../../data/progress.ts'
import type { PruningPlan } from '../../methods/method.ts'
import type { Model } from '../../models/model.ts'
import type { RateSchedule } from '../../optim/schedule.ts'
import type { SgdOptions } from '../../optim/sgd.ts'
import type { PruningSchedule } from '../../sparsity/schedule.ts'
import { checkFits } from '../../train/options.ts'
import { UserError } from '../../util/errors.ts'
import { checkRecipe } from '../recipe/recipe.ts'
import type { Recipe } from '../recipe/schema.ts'
import { type Phase, ticketPhases } from '../ticket/ticket.ts'
import { checkBeforeData } from './before-data.ts'
import { guessedInputs, recipeData } from './data.ts'
import { activeCount, gsmProblem, optimizerOf } from './gsm.ts'
import { modelOf } from './network.ts'
import { prunedTensors, pruningPlan } from './pruning.ts'
import { type RewiringPlan, rewiringPlan } from './rewiring.ts'
import { type TargetPlan, targetPlan } from './target.ts'
import {
  balancePeriod,
  dropsProblem,
  firstStep,
  freezeStep,
  keptFrom,
  pruningSchedule,
  rateSchedule,
  snapshotStep,
} from './times.ts'

export interface RunPlan {
  readonly recipe: Recipe
  readonly model: Model
  readonly data: LabelledSet
  /** Steps of the training, of which those before `first` count as taken. */
  readonly steps: number
  readonly first: number
  /** When a snapshot is written, and when GSM freezes what is active. */
  readonly snapshot?: number
  readonly freeze?: number
  /** After how many steps Sign-In balances its factors. */
  readonly balance?: number
  /** How many weights GSM keeps active, and leaves in the end. */
  readonly active?: number
  readonly optimizer: SgdOptions
  readonly rates: RateSchedule
  /** With train.keep: best: the step of the first epoch that may be kept. */
  readonly keepFrom?: number
  /** When and how it prunes: both or neither are there. */
  readonly schedule?: PruningSchedule
  readonly pruning?: PruningPlan
  /** Sparsities that are chosen at the first event. */
  readonly target?: TargetPlan
  readonly rewiring?: RewiringPlan
  /** What nobody said of the inputs, and what is wrong with the learning rates; sentences. */
  readonly guess?: string
  readonly warning?: string
}

/** What a recipe calls the options of a network. */
const KEYS = { batch: 'train.batch', validation: 'data.validation' }

/**
 * The plan of a recipe without a ticket section. Throws UserError where it cannot be run: shapes, the batch,
 * all times against the length of the training, and what its methods need.
 */
export async function resolve(recipe: Recipe, data: LabelledSet): Promise<RunPlan> {
  const model = modelOf(recipe)
  checkFits(model, data, recipe.train.batch, recipe.data.validation, KEYS)
  const stepsPerEpoch = Math.ceil((data.train.count - recipe.data.validation) / recipe.train.batch)
  const schedule = pruningSchedule(recipe, stepsPerEpoch)
  const first = firstStep(recipe, stepsPerEpoch)
  const snapshot = snapshotStep(recipe, stepsPerEpoch)
  const freeze = freezeStep(recipe, stepsPerEpoch)
  const rates = rateSchedule(recipe, stepsPerEpoch)
  const rewiring = rewiringPlan(recipe, model, rates, stepsPerEpoch, data)
  const target = recipe.prune && targetPlan(recipe.prune, prunedTensors(recipe.prune, model), model)
  return {
    recipe,
    model,
    data,
    steps: rates.total,
    first,
    snapshot,
    freeze,
    balance: balancePeriod(recipe, stepsPerEpoch),
    active: activeCount(recipe.train.gsm, model),
    optimizer: optimizerOf(recipe),
    rates,
    keepFrom: keptFrom(recipe, schedule),
    schedule,
    pruning: await pruningPlan(recipe, model, data, target),
    target,
    rewiring,
    guess: guessedInputs(data),
    warning: [gsmProblem(recipe, rates, freeze), dropsProblem(recipe, rates)].filter(Boolean).join('; ') || undefined,
  }
}

/**
 * The runs that a recipe asks for, in the folder: with a ticket section several. Throws UserError where the
 * plan does not fit the network.
 */
export function phasesOf(recipe: Recipe, folder = ''): Phase[] {
  if (!recipe.ticket) return [{ name: recipe.name, recipe }]
  return ticketPhases(recipe, modelOf(recipe), folder, (value) => checkRecipe(value, 'ticket'))
}

export interface PlanOptions {
  /** In the place of the data set that the recipe names. */
  data?: LabelledSet
  /** While images are being decoded. */
  onData?: OnProgress
  /** The file of the recipe, which errors begin with. Default: they begin with the key. */
  source?: string
}

/**
 * The plans of all runs that a recipe asks for. Throws UserError as {@link resolve} does, before data are
 * loaded where it can.
 */
export async function planRuns(recipe: Recipe, { data: given, onData, source }: PlanOptions = {}): Promise<RunPlan[]> {
  await inFile(source, () => checkBeforeData(recipe))
  const data = given ?? (await recipeData(recipe, { onProgress: onData, source }))
  return inFile(source, async () => {
    const plans: RunPlan[] = []
    for (const phase of phasesOf(recipe)) plans.push(await resolve(phase.recipe, data))
    return plans
  })
}

/** What `work` returns; its UserErrors begin with the file, where it is known. */
async function inFile<T>(source: string | undefined, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof UserError && source !== undefined ? new UserError(`${source}: ${error.message}`) : error
  }
}
