/**
 * @file Runs every cell of a sweep, on this machine (pool.ts) or on others (queue/). What is done is what the
 * run folders say: a sweep that was killed goes on with what is missing.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { withoutAbout } from '../experiment/recipe/sections/about.ts'
import type { RunResult } from '../experiment/run/events.ts'
import { resultIn } from '../experiment/run/folder.ts'
import { UserError } from '../util/errors.ts'
import { makeFolder, readText, writeAtomically } from '../util/files.ts'
import { FolderLock } from '../util/folder-lock.ts'
import { readYaml } from '../util/yaml.ts'
import { runFolder } from './job.ts'
import type { Cell, Sweep } from './sweep-file.ts'
import { type CellEvent, Tracker } from './tracker.ts'

/**
 * Runs cells until each has its result in the sweep's folder or has failed too often, or the signal comes.
 */
export type RunCells = (
  cells: readonly Cell[],
  context: {
    /** The sweep's folder. */
    out: string
    tracker: Tracker
    signal: AbortSignal
  },
) => Promise<void>

export interface SweepOptions {
  /** The sweep's folder. */
  out: string
  /** Whether it may hold runs of this sweep already. */
  resume?: boolean
  run: RunCells
  signal: AbortSignal
  onEvent(event: CellEvent): void
}

/** How a sweep ended: cells without a result are in `failed`, or were not reached. */
export type SweepOutcome = Pick<Tracker, 'results' | 'failed'>

/** Throws UserError where the folder holds something else, or another process has it. */
export async function runSweep(sweep: Sweep, options: SweepOptions): Promise<SweepOutcome> {
  const { out, run, signal, onEvent } = options
  makeFolder(out)
  const lock = new FolderLock(out, 'sweep')
  try {
    claim(sweep, out, options.resume ?? false)
    const tracker = new Tracker(out, resultsOf(sweep, out), onEvent)
    const missing = sweep.cells.filter(({ name }) => !tracker.results.has(name))
    await run(missing, { out, tracker, signal })
    return tracker
  } finally {
    lock.release()
  }
}

/** What the run folders hold already. */
export function resultsOf({ cells }: Sweep, out: string): Map<string, RunResult> {
  const found = cells.map(({ name }) => [name, resultIn(runFolder(out, name))] as const)
  return new Map(found.filter((entry): entry is [string, RunResult] => entry[1] !== undefined))
}

/** Marks the folder as this sweep's. */
function claim(sweep: Sweep, out: string, resume: boolean): void {
  const file = join(out, 'sweep.yaml')
  const { name, summary, cells } = sweep
  const text = stringify(
    { name, summary, runs: Object.fromEntries(cells.map((cell) => [cell.name, cell.recipe])) },
    { aliasDuplicateObjects: false },
  )
  if (!existsSync(file)) {
    writeAtomically(file, text)
    rmSync(join(out, 'failures.jsonl'), { force: true })
    return
  }
  if (!resume)
    throw new UserError(`${out} already holds a sweep: use --resume to run what is missing, or another --out`)
  readYaml(file)
  if (withoutAbout(readText(file)) !== withoutAbout(text))
    throw new UserError(`${file} differs from the sweep given: resume with the same file, recipe and --set`)
}
