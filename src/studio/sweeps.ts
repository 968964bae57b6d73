/** @file What folders of sweeps hold: how many runs there are to be, what has failed, who works on them. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { FILES } from '../experiment/run/folder.ts'
import { SWEEP_FILES } from '../sweep/files.ts'
import { runFolder } from '../sweep/job.ts'
import { FolderLock } from '../util/folder-lock.ts'
import type { SweepDetail, SweepSummary } from './api.ts'
import type { RunIndex } from './run-index.ts'

interface Declared {
  name: string
  summary?: string
  total: number
}

/** Reads sweeps, their own files only where these have changed. */
export class Sweeps {
  readonly #index: RunIndex
  readonly #known = new Map<string, { time: number; declared: Declared }>()

  constructor(index: RunIndex) {
    this.#index = index
  }

  /** All of them, what changed last at first. */
  list(): SweepSummary[] {
    const runs = new Map<string, SweepSummary['counts'] & { changed: number }>()
    for (const entry of this.#index.entries.values()) {
      if (entry.sweep === undefined) continue
      const counts = runs.get(entry.sweep) ?? { running: 0, done: 0, stopped: 0, changed: 0 }
      runs.set(entry.sweep, counts)
      counts.changed = Math.max(counts.changed, entry.changed)
      counts[this.#index.summary(entry).state]++
    }
    return this.#index.sweeps
      .map(({ path }): SweepSummary => {
        const { changed = 0, running = 0, done = 0, stopped = 0 } = runs.get(path) ?? {}
        const declared = this.#declared(path)
        return {
          id: path,
          ...declared,
          changed: Math.max(changed, timeOf(path)),
          running: FolderLock.owner(path) !== undefined,
          counts: { running, done, stopped },
          failed: failuresIn(path).length,
        }
      })
      .sort((a, b) => b.changed - a.changed)
  }

  has(id: string): boolean {
    return this.#index.sweeps.some(({ path }) => path === id)
  }

  /** One of them; undefined where there is no such sweep. */
  detail(id: string): Omit<SweepDetail, 'stoppable'> | undefined {
    const summary = this.list().find((sweep) => sweep.id === id)
    return summary && { ...summary, failures: failuresIn(id) }
  }

  #declared(path: string): Declared {
    const file = join(path, SWEEP_FILES.sweep)
    const time = timeOf(file)
    const known = this.#known.get(path)
    if (known?.time === time) return known.declared
    const declared = declaredIn(file, path)
    this.#known.set(path, { time, declared })
    return declared
  }
}

/**
 * What the file of a sweep says, as src/sweep/sweep.ts writes it. The recipes of all runs make up most of it,
 * so that only its head is parsed, and runs are counted by their indentation.
 */
function declaredIn(file: string, path: string): Declared {
  try {
    const [head, runs = ''] = readFileSync(file, 'utf8').split(/^runs:/m)
    const { name, summary } = parse(head) ?? {}
    const total = runs.match(/^ {2}[^\s#].*:$/gm)?.length ?? 0
    return { name: String(name ?? path), summary: typeof summary === 'string' ? summary : undefined, total }
  } catch {
    return { name: path, total: 0 }
  }
}

/** The runs that failed and have not been done since, each with its last failure. */
function failuresIn(path: string): SweepDetail['failures'] {
  const last = new Map<string, SweepDetail['failures'][number]>()
  for (const line of linesOf(join(path, SWEEP_FILES.failures))) {
    try {
      const { run, attempt, reason } = JSON.parse(line)
      last.set(String(run), { run: String(run), attempt: Number(attempt), reason: String(reason) })
    } catch {} // Cut short.
  }
  const isDone = (run: string) => timeOf(join(runFolder(path, run), FILES.report)) > 0
  return [...last.values()].filter(({ run }) => !isDone(run))
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

const timeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
