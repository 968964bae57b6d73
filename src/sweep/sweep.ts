/**
 * @file Runs every cell of a sweep, each as `espalier run` in a process of its own. What is done is what the run folders say: a sweep that was killed goes on with what is missing.
 */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { withoutAbout } from '../experiment/about.ts'
import { FILES, resultIn } from '../experiment/folder.ts'
import { recipeToYaml } from '../experiment/recipe.ts'
import type { RunEvent, RunResult } from '../experiment/run-events.ts'
import { UserError } from '../util/errors.ts'
import { makeFolder, writeAtomically } from '../util/files.ts'
import { FolderLock } from '../util/folder-lock.ts'
import { runJobs } from './pool.ts'
import type { Cell, Sweep } from './sweep-file.ts'

export type CellEvent =
  | { type: 'start'; cell: Cell }
  | { type: 'progress'; cell: Cell; share: number }
  | { type: 'done'; cell: Cell; result: RunResult }
  | { type: 'failed'; cell: Cell; reason: string; again: boolean }

export interface SweepOptions {
  /** The sweep's folder. */
  out: string
  /** Whether it may hold runs of this sweep already. */
  resume?: boolean
  /** Processes at a time. */
  jobs: number
  /** Threads of each. */
  threads: number
  /** The command line of espalier, for node. */
  command: readonly string[]
  signal: AbortSignal
  onEvent(event: CellEvent): void
}

/** Runs that failed are run once more. */
const ATTEMPTS = 2

/** How a sweep ended: cells without a result are in `failed`, or were not reached. */
export interface SweepOutcome {
  results: Map<string, RunResult>
  failed: Map<string, string>
}

/** Throws UserError where the folder holds something else, or another process has it. */
export async function runSweep(sweep: Sweep, options: SweepOptions): Promise<SweepOutcome> {
  const { out, jobs, threads, command, signal, onEvent } = options
  makeFolder(out)
  const lock = new FolderLock(out, 'sweep')
  try {
    claim(sweep, out, options.resume ?? false)
    const results = resultsOf(sweep, out)
    const failed = new Map<string, string>()
    const attempts = new Map<string, number>()
    const missing = sweep.cells.filter(({ name }) => !results.has(name))
    const cellJobs = missing.map((cell) => {
      const folder = cellFolder(out, cell)
      const share = (event: RunEvent) => {
        if (event.type === 'progress') onEvent({ type: 'progress', cell, share: event.step / event.steps })
      }
      return {
        ...{ cell, env: { ESPALIER_THREADS: String(threads) } },
        // Decided when it starts: a failed run goes on from its last checkpoint.
        get args() {
          const mode = existsSync(join(folder, FILES.recipe)) ? '--resume' : '--force'
          return [...command, 'run', recipeFile(out, cell), '--out', folder, mode, '--json']
        },
        onLine: (line: string) => {
          const event = parsed(line)
          if (event) share(event)
        },
      }
    })
    await runJobs(cellJobs, {
      ...{ slots: jobs, abort: signal },
      onStart: ({ cell }) => {
        makeFolder(join(out, 'recipes'))
        writeAtomically(recipeFile(out, cell), recipeToYaml(cell.recipe))
        onEvent({ type: 'start', cell })
      },
      onEnd: ({ cell }, { code, signal: killed, errors }) => {
        const result = code === 0 ? resultIn(cellFolder(out, cell)) : undefined
        if (result) {
          results.set(cell.name, result)
          failed.delete(cell.name)
          onEvent({ type: 'done', cell, result })
          return false
        }
        if (signal.aborted) return false
        const reason = errors || (killed ? `ended by ${killed}` : `ended with status ${code}`)
        const tried = (attempts.get(cell.name) ?? 0) + 1
        attempts.set(cell.name, tried)
        failed.set(cell.name, reason)
        appendFileSync(join(out, 'failures.jsonl'), `${JSON.stringify({ run: cell.name, attempt: tried, reason })}\n`)
        const again = tried < ATTEMPTS
        onEvent({ type: 'failed', cell, reason, again })
        return again
      },
    })
    return { results, failed }
  } finally {
    lock.release()
  }
}

/** What the run folders hold already. */
export function resultsOf({ cells }: Sweep, out: string): Map<string, RunResult> {
  const found = cells.map(({ name }) => [name, resultIn(join(out, 'runs', name))] as const)
  return new Map(found.filter((entry): entry is [string, RunResult] => entry[1] !== undefined))
}

const cellFolder = (out: string, { name }: Cell) => join(out, 'runs', name)
const recipeFile = (out: string, { name }: Cell) => join(out, 'recipes', `${name}.yaml`)

function parsed(line: string): RunEvent | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
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
  if (withoutAbout(readFileSync(file, 'utf8')) !== withoutAbout(text))
    throw new UserError(`${file} differs from the sweep given: resume with the same file, recipe and --set`)
}
