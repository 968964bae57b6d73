/** @file Reads runs back from their folders for reports. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Recipe, readRecipe } from '../experiment/recipe/recipe.ts'
import type { EpochReport, RunResult } from '../experiment/run/events.ts'
import { FILES } from '../experiment/run/folder.ts'
import { type LastEvaluations, lastEvaluations } from '../experiment/run/last-evaluations.ts'
import { metricsIn, runFolders } from '../experiment/run/records.ts'
import { UserError } from '../util/errors.ts'

export interface ReportedRun {
  folder: string
  recipe: Recipe
  epochs: EpochReport[]
  last: LastEvaluations
  /** The result; absent where the run is not complete. */
  result?: RunResult
}

/**
 * Reads the runs in folders of runs and sweeps, each once. Throws UserError where a folder holds no run, or a
 * run has metrics but no recipe, or files that do not fit each other.
 */
export function readRuns(folders: readonly string[]): ReportedRun[] {
  return [...new Set(folders.flatMap(runFolders))].map(readRun)
}

/** Reads one run. Throws UserError as {@link readRuns} does. */
export function readRun(folder: string): ReportedRun {
  const file = join(folder, FILES.recipe)
  if (!existsSync(file))
    throw new UserError(`${folder} holds no run: there is a ${FILES.metrics} in it, but no ${FILES.recipe}`)
  const metrics = metricsIn(folder)
  return { folder, recipe: readRecipe(file), ...metrics, last: lastEvaluations(folder, metrics) }
}

/** The first of several runs whose folder has all these files. */
export function firstWith(
  runs: readonly ReportedRun[],
  files: readonly (keyof typeof FILES)[],
): ReportedRun | undefined {
  return runs.find(({ folder }) => files.every((file) => existsSync(join(folder, FILES[file]))))
}
