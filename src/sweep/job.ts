/**
 * @file One run of a sweep: `espalier run` in a process of its own. The processes of one machine and the
 * workers of a queue both call this, in folders that look the same: recipes/NAME.yaml and runs/NAME.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { recipeToYaml } from '../experiment/recipe/recipe.ts'
import type { RunEvent, RunResult } from '../experiment/run/events.ts'
import { FILES, resultIn } from '../experiment/run/folder.ts'
import { makeFolder, writeAtomically } from '../util/files.ts'
import type { Cell } from './cell.ts'
import { runChild } from './child.ts'

export interface Job {
  /** Of its folder. */
  run: string
  /** As YAML. */
  recipe: string
  /**
   * Whether to stop with a checkpoint before the first pruning event: a trunk (trunk.ts), which others go on
   * from.
   */
  untilPruning?: boolean
  /** The job in the queue whose trunk it goes on from. */
  from?: string
}

export interface JobOptions {
  /** The command line of espalier, for node. */
  command: readonly string[]
  /** Threads of the run. */
  threads: number
  /** Interrupts it: what it has done stays in its folder. */
  signal: AbortSignal
  /** Called with what share of its steps is done. */
  onProgress(share: number): void
}

/** A result, why there is none, or neither where the signal came first, or it was a trunk. */
export interface JobEnd {
  result?: RunResult
  reason?: string
}

export const jobOf = ({ name, recipe }: Cell): Job => ({ run: name, recipe: recipeToYaml(recipe) })

/** Where a run of the folder `base` is. */
export const runFolder = (base: string, run: string): string => join(base, 'runs', run)

/** Runs a job in the folder `base`; one that was begun there goes on from its last checkpoint. */
export async function runJob({ run, recipe, untilPruning }: Job, base: string, options: JobOptions): Promise<JobEnd> {
  const folder = runFolder(base, run)
  const file = join(base, 'recipes', `${run}.yaml`)
  makeFolder(join(base, 'recipes'))
  writeAtomically(file, recipe)
  const reason = await runRecipeFile(file, folder, options, untilPruning ? ['--until-pruning'] : [])
  const result = reason === undefined ? resultIn(folder) : undefined
  if (result) return { result }
  if (options.signal.aborted || (untilPruning && reason === undefined)) return {}
  return { reason: reason ?? `ended without a result in ${folder}` }
}

/** Runs a recipe to its end, or with `flags` as they say; resolves with why it did not get there. */
export async function runRecipeFile(
  file: string,
  folder: string,
  { command, threads, signal, onProgress }: JobOptions,
  flags: readonly string[] = [],
): Promise<string | undefined> {
  const begun = existsSync(join(folder, FILES.recipe)) && !existsSync(join(folder, FILES.report))
  const mode = begun ? '--resume' : '--force'
  const end = await runChild([...command, 'run', file, '--out', folder, mode, '--json-steps', ...flags], {
    env: { ESPALIER_THREADS: String(threads) },
    signal,
    onLine: (line) => {
      const event = parsed(line)
      if (event?.type === 'progress') onProgress(event.step / event.steps)
    },
  })
  if (end.code === 0) return undefined
  return end.errors || (end.signal ? `ended by ${end.signal}` : `ended with status ${end.code}`)
}

function parsed(line: string): RunEvent | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
