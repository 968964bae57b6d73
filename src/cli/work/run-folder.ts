/** @file The work of espalier run where it is given a folder of recipes: all of them, one after another. */
import { join } from 'node:path'
import { dryRun } from '../../experiment/plan/dry-run.ts'
import type { Recipe } from '../../experiment/recipe/recipe.ts'
import { type RecipeFolder, readFolder } from '../../sweep/folder.ts'
import { folderTable } from '../../sweep/folder-table.ts'
import { pool } from '../../sweep/pool.ts'
import { resultsOf } from '../../sweep/sweep.ts'
import { errorText, isMendable, UserError } from '../../util/errors.ts'
import { clock, grouped } from '../../util/format.ts'
import { print, printJson } from '../display/output.ts'
import { exitWith } from '../io.ts'
import { followSweep } from './follow-sweep.ts'
import { poolOptions } from './sweep.ts'

/** The flags that are for a single recipe. */
const ofOne = ({ force, quiet, untilPruning, checkpointSeconds }: RunFolderOptions) => {
  return {
    '--force': force,
    '--quiet': quiet,
    '--until-pruning': untilPruning,
    '--checkpoint-seconds': checkpointSeconds,
  }
}

export interface RunFolderOptions {
  out?: string
  jobs?: number
  resume?: boolean
  dryRun?: boolean
  json?: boolean
  jsonSteps?: boolean
  /** Of a single recipe only. */
  force?: boolean
  quiet?: boolean
  untilPruning?: boolean
  checkpointSeconds?: number
}

/** Runs every recipe of a folder; `read` makes one of a path, with the changes of the flags. */
export async function runFolder(
  path: string,
  read: (file: string) => Recipe,
  options: RunFolderOptions,
): Promise<void> {
  for (const [flag, value] of Object.entries(ofOne(options)))
    if (value !== undefined)
      throw new UserError(`${flag} is for a single recipe: expected none with ${path}, a folder of recipes`)
  const { jobs, resume, json, jsonSteps } = options
  const folder = readFolder(path, read)
  const out = options.out ?? join('sweeps', folder.name)
  const left = folder.sweeps.map((file) => `${join(path, file)} is a sweep and left out: espalier sweep runs it`)
  const notice = (text: string) => (json || jsonSteps ? printJson({ type: 'notice', text }) : print(`note: ${text}`))
  if (options.dryRun) {
    left.forEach(notice)
    return await showPlan(path, folder, out, json || jsonSteps)
  }
  await followSweep(folder, {
    out,
    resume,
    json,
    jsonSteps,
    runner: () => {
      left.forEach(notice)
      return pool(poolOptions({ jobs }))
    },
    table: (outcome) => folderTable(folder, outcome),
    heading: 'Runs by the files of their recipes',
    again: `espalier run ${path} --resume --out ${out}`,
  })
}

/** What a run would do. */
type PlannedRun =
  | { state: 'done' }
  | { state: 'broken'; reason: string }
  | { state: 'to be run'; steps: number; seconds: number }
type Planned = { run: string; file: string } & PlannedRun

/**
 * Tells of every file that it is done, or how long its run takes, or why it cannot begin. The exit status is
 * 1 where one cannot.
 */
async function showPlan(path: string, folder: RecipeFolder, out: string, json?: boolean): Promise<void> {
  const done = resultsOf(folder, out)
  const files: Planned[] = folder.broken.map(({ name, values, reason }) => {
    return { run: name, file: String(values.file), state: 'broken', reason }
  })
  for (const { name, values, recipe } of folder.cells) {
    const own = { run: name, file: String(values.file) }
    if (done.has(name)) files.push({ ...own, state: 'done' })
    else files.push({ ...own, ...(await planned(recipe, join(path, own.file))) })
  }
  files.sort((a, b) => (a.file < b.file ? -1 : 1))
  if (json) printJson(files)
  else {
    for (const file of files) print(`${file.file}: ${textOf(file)}`)
    const seconds = files.reduce((sum, file) => sum + (file.state === 'to be run' ? file.seconds : 0), 0)
    const count = (state: Planned['state']) => files.filter((file) => file.state === state).length
    print(
      `${files.length} runs: ${count('done')} done, ${count('broken')} that cannot begin, ${count('to be run')} to be run, about ${clock(seconds)}, evaluation not counted`,
    )
  }
  if (files.some(({ state }) => state === 'broken')) exitWith(1)
}

async function planned(recipe: Recipe, source: string): Promise<PlannedRun> {
  try {
    const { steps, estimatedSeconds, missingData } = await dryRun(recipe, source)
    if (steps === undefined || estimatedSeconds === undefined) return { state: 'broken', reason: missingData ?? '' }
    return { state: 'to be run', steps, seconds: estimatedSeconds }
  } catch (error) {
    if (!isMendable(error)) throw error
    return { state: 'broken', reason: errorText(error) }
  }
}

function textOf(file: Planned): string {
  if (file.state === 'done') return 'done'
  if (file.state === 'broken') return `cannot begin: ${file.reason}`
  return `${grouped(file.steps)} steps, about ${clock(file.seconds)}`
}
