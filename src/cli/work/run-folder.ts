/** @file The work of espalier run where it is given a folder of recipes: all of them, one after another. */
import { join } from 'node:path'
import { dryRun } from '../../experiment/plan/dry-run.ts'
import { type RecipeFolder, readFolder } from '../../sweep/folder.ts'
import { folderTable } from '../../sweep/folder-table.ts'
import { pool } from '../../sweep/pool.ts'
import { resultsOf } from '../../sweep/sweep.ts'
import type { Broken, Cell } from '../../sweep/sweep-file.ts'
import { errorText, isMendable, UserError } from '../../util/errors.ts'
import { clock, grouped } from '../../util/format.ts'
import { print, printJson } from '../display/output.ts'
import { changedRecipe, changesAsText, fileOrigin, named, type RunFlags } from '../flags/run.ts'
import { exitWith } from '../io.ts'
import { followSweep } from './follow-sweep.ts'
import { poolOptions } from './sweep.ts'

/** The flags that are for a single recipe. */
const ofOne = ({ force, quiet, untilPruning, checkpointSeconds }: RunFlags) => {
  return {
    '--force': force,
    '--quiet': quiet,
    '--until-pruning': untilPruning,
    '--checkpoint-seconds': checkpointSeconds,
  }
}

/** Runs every recipe of a folder. */
export async function runFolder(path: string, options: RunFlags): Promise<void> {
  for (const [flag, value] of Object.entries(ofOne(options)))
    if (value !== undefined)
      throw new UserError(`${flag} is for a single recipe: expected none with ${path}, a folder of recipes`)
  const { jobs, resume, json, jsonSteps } = options
  const folder = readFolder(path, (file) => changedRecipe(file, options))
  const out = options.out ?? join('sweeps', folder.name)
  const left = folder.sweeps.map((file) => `${join(path, file)} is a sweep and left out: espalier sweep runs it`)
  const notice = (text: string) => (json || jsonSteps ? printJson({ type: 'notice', text }) : print(`note: ${text}`))
  if (options.dryRun) {
    left.forEach(notice)
    return await showPlan(path, folder, out, options)
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
    again: ['espalier run', path, changesAsText(options), '--resume --out', out].filter(Boolean).join(' '),
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
async function showPlan(path: string, folder: RecipeFolder, out: string, options: RunFlags): Promise<void> {
  const json = options.json || options.jsonSteps
  const done = resultsOf(folder, out)
  const files: Planned[] = []
  for (const entry of [...folder.cells, ...folder.broken].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name, values } = entry
    const file = String(values.file)
    const state = done.has(name) ? { state: 'done' as const } : await planned(entry, join(path, file), options)
    files.push({ run: name, file, ...state })
    if (!json) print(`${file}: ${textOf(state)}`)
  }
  if (json) printJson(files)
  else {
    const seconds = files.reduce((sum, file) => sum + (file.state === 'to be run' ? file.seconds : 0), 0)
    const count = (state: PlannedRun['state']) => files.filter((file) => file.state === state).length
    print(
      `${files.length} runs: ${count('done')} done, ${count('broken')} that cannot begin, ${count('to be run')} to be run, about ${clock(seconds)}, evaluation not counted`,
    )
  }
  if (files.some(({ state }) => state === 'broken')) exitWith(1)
}

async function planned(entry: Cell | Broken, source: string, options: RunFlags): Promise<PlannedRun> {
  if ('reason' in entry) return { state: 'broken', reason: entry.reason }
  try {
    const { steps, estimatedSeconds, missingData } = await named(fileOrigin(source), options, () =>
      dryRun(entry.recipe, source),
    )
    if (steps === undefined || estimatedSeconds === undefined) return { state: 'broken', reason: missingData ?? '' }
    return { state: 'to be run', steps, seconds: estimatedSeconds }
  } catch (error) {
    if (!isMendable(error)) throw error
    return { state: 'broken', reason: errorText(error) }
  }
}

function textOf(file: PlannedRun): string {
  if (file.state === 'done') return 'done'
  if (file.state === 'broken') return `cannot begin: ${file.reason}`
  return `${grouped(file.steps)} steps, about ${clock(file.seconds)}`
}
