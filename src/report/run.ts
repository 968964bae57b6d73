/** @file A run as reports read it from its folder. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Recipe, readRecipe } from '../experiment/recipe/recipe.ts'
import type { EpochReport, RunResult } from '../experiment/run/events.ts'
import { FILES } from '../experiment/run/folder.ts'
import { type LastEvaluations, lastEvaluations, metricsIn, runFolders } from '../experiment/run/last-evaluations.ts'
import { UserError } from '../util/errors.ts'

export interface ReportedRun {
  folder: string
  recipe: Recipe
  epochs: EpochReport[]
  last: LastEvaluations
  /** Of a complete run. */
  result?: RunResult
}

/**
 * The runs in folders of runs and sweeps, each once. Throws UserError where a folder holds none, where one
 * has metrics but no recipe, and where a file of one does not fit.
 */
export function readRuns(folders: readonly string[]): ReportedRun[] {
  const found = new Set(folders.flatMap(runFolders))
  return [...found].map(readRun)
}

function readRun(folder: string): ReportedRun {
  const file = join(folder, FILES.recipe)
  if (!existsSync(file))
    throw new UserError(`${folder} holds no run: there is a ${FILES.metrics} in it, but no ${FILES.recipe}`)
  const metrics = metricsIn(folder)
  return { folder, recipe: readRecipe(file), ...metrics, last: lastEvaluations(folder, metrics) }
}

/** A file of the first run of several that has it, with that run. */
export function firstWith(
  runs: readonly ReportedRun[],
  files: readonly (keyof typeof FILES)[],
): ReportedRun | undefined {
  return runs.find(({ folder }) => files.every((file) => existsSync(join(folder, FILES[file]))))
}
