/** @file A run as the list has it, from its recipe, the end of its metrics, its lock and its checkpoint. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Recipe } from '../experiment/recipe/recipe.ts'
import { FILES } from '../experiment/run/folder.ts'
import { methodOf, sparsityAsked } from '../report/groups.ts'
import { errorText } from '../util/errors.ts'
import { FolderLock } from '../util/folder-lock.ts'
import { plainValue, readYaml } from '../util/yaml.ts'
import type { RunState, RunSummary } from './api.ts'
import { checkpointHead } from './checkpoint.ts'
import { latestMetrics } from './metrics.ts'

/** What of a recipe the list shows. It was checked when the run began, perhaps by another version. */
const recipeSchema = z.looseObject({
  name: z.string(),
  seed: z.number().default(0),
  model: z.looseObject({ name: z.string() }),
  data: z.looseObject({ name: z.string() }),
  train: z.looseObject({ epochs: z.number() }),
})

/** The part of a summary that is the recipe's. */
export type RecipeSummary = Pick<RunSummary, 'name' | 'model' | 'data' | 'method' | 'seed' | 'asked' | 'epochs'>

const UNKNOWN: RecipeSummary = { name: '', model: '', data: '', method: '', seed: 0, epochs: 0 }

/** The recipe of a run as it stands in its folder. Throws UserError. */
export const recipeValue = (folder: string): unknown => {
  const file = join(folder, FILES.recipe)
  return plainValue(readYaml(file), file)
}

/** Throws where the file is no recipe. */
export function recipeSummary(folder: string): RecipeSummary {
  const recipe = recipeSchema.parse(recipeValue(folder)) as unknown as Recipe
  const { name, seed, model, data, train } = recipe
  const asked = sparsityAsked(recipe)
  return { name, model: model.name, data: data.name, method: methodOf(recipe), seed, asked, epochs: train.epochs }
}

/**
 * Reads a summary; with what is known of the recipe, which takes most of the time, it is not read again. A
 * run that cannot be read has a `problem`.
 */
export function summaryOf(
  { folder, sweep, changed }: { folder: string; sweep?: string; changed: number },
  known?: RecipeSummary,
): RunSummary {
  const base = { id: folder, sweep, state: stateOf(folder), changed }
  let recipe = known ?? UNKNOWN
  try {
    recipe = known ?? recipeSummary(folder)
    const { epoch, sparsity, result } = latestMetrics(folder)
    return {
      ...base,
      ...recipe,
      epoch: epoch?.epoch ?? 0,
      loss: epoch?.trainLoss,
      accuracy: epoch?.validationAccuracy ?? epoch?.trainAccuracy,
      test: result?.final?.accuracy,
      sparsity,
      ends: base.state === 'running' ? endOf(folder, epoch && stepsOf(epoch, recipe.epochs)) : undefined,
    }
  } catch (error) {
    const problem = error instanceof z.ZodError ? `${join(folder, FILES.recipe)} is no recipe` : errorText(error)
    return { ...base, ...recipe, epoch: 0, problem }
  }
}

/** The steps of a run, by those of its epochs so far. */
export const stepsOf = ({ step, epoch }: { step: number; epoch: number }, epochs: number): number =>
  Math.round((step / epoch) * epochs)

export function stateOf(folder: string): RunState {
  if (existsSync(join(folder, FILES.report))) return 'done'
  return FolderLock.owner(folder) === undefined ? 'stopped' : 'running'
}

/**
 * When it will end if it goes on as until its last checkpoint; `counted`: its steps, by those of its epochs.
 */
function endOf(folder: string, counted: number | undefined): number | undefined {
  const head = checkpointHead(folder)
  const steps = head?.steps ?? counted
  if (!head || head.step === 0 || steps === undefined) return undefined
  return head.written + (1000 * head.seconds * Math.max(0, steps - head.step)) / head.step
}
