/**
 * @file Runs every cell of a sweep, on this machine (pool.ts) or on others (queue/). What is done is what the
 * run folders say: a sweep that was killed goes on with what is missing.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { z } from 'zod'
import { recipeToYaml } from '../experiment/recipe/recipe.ts'
import { withoutAbout } from '../experiment/recipe/sections/about.ts'
import type { RunResult } from '../experiment/run/events.ts'
import { FILES, resultIn } from '../experiment/run/folder.ts'
import { checkSchema } from '../util/check-schema.ts'
import { UserError } from '../util/errors.ts'
import { makeFolder, readText, writeAtomically } from '../util/files.ts'
import { FolderLock } from '../util/folder-lock.ts'
import { plainValue, readYaml } from '../util/yaml.ts'
import { SWEEP_FILES } from './files.ts'
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
    for (const broken of sweep.broken ?? []) tracker.refuse(broken)
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
  const file = join(out, SWEEP_FILES.sweep)
  const { name, summary, cells } = sweep
  const text = stringify(
    { name, summary, runs: Object.fromEntries(cells.map((cell) => [cell.name, cell.recipe])) },
    { aliasDuplicateObjects: false },
  )
  if (!existsSync(file)) {
    writeAtomically(file, text)
    rmSync(join(out, SWEEP_FILES.failures), { force: true })
    return
  }
  if (!resume)
    throw new UserError(`${out} already holds a sweep: use --resume to run what is missing, or another --out`)
  const before = plainValue(readYaml(file), file)
  if (sweep.broken !== undefined) {
    claimAgain(sweep, out, checkSchema(nameSchema, before, { source: file, whole: 'sweep' }).name)
    writeAtomically(file, text)
    return
  }
  if (withoutAbout(readText(file)) !== withoutAbout(text))
    throw new UserError(`${file} differs from the sweep given: resume with the same file, recipe and --set`)
}

const nameSchema = z.looseObject({ name: z.string() })

/**
 * Prepares the folder of a folder of recipes for its next session. A run that is not complete begins anew
 * where its recipe is another by now.
 */
function claimAgain({ name, cells }: Sweep, out: string, before: string): void {
  if (before !== name)
    throw new UserError(`${out} holds runs of another folder: expected those of ${name}, found ${before}`)
  for (const cell of cells) {
    const folder = runFolder(out, cell.name)
    const own = join(folder, FILES.recipe)
    if (!existsSync(own) || withoutAbout(readText(own)) === withoutAbout(recipeToYaml(cell.recipe))) continue
    if (resultIn(folder))
      throw new UserError(
        `${cell.values.file} has changed since its run was complete: expected the same recipe and --set, or no folder ${folder}, to run it anew`,
      )
    rmSync(own)
  }
}
