/** @file What has become of the runs of a sweep: results, failures and how often each was tried. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunResult } from '../experiment/run/events.ts'
import { SWEEP_FILES } from './files.ts'
import type { Broken, Cell, Named } from './sweep-file.ts'

export type CellEvent =
  | { type: 'start'; cell: Cell }
  | { type: 'progress'; cell: Cell; share: number }
  | { type: 'done'; cell: Cell; result: RunResult }
  | { type: 'failed'; cell: Named; reason: string; again: boolean }

/** The most times that a run is tried, a resumed sweep counting from 1 again. */
const ATTEMPTS = 3

/** Every failure is a line of failures.jsonl in the sweep's folder. */
export class Tracker {
  readonly results: Map<string, RunResult>
  /** Why those runs have no result that are tried no more, or not yet again. */
  readonly failed = new Map<string, string>()
  readonly #file: string
  readonly #attempts = new Map<string, number>()
  readonly #onEvent: (event: CellEvent) => void

  constructor(out: string, results: Map<string, RunResult>, onEvent: (event: CellEvent) => void) {
    this.#file = join(out, SWEEP_FILES.failures)
    this.results = results
    this.#onEvent = onEvent
  }

  start(cell: Cell): void {
    this.#onEvent({ type: 'start', cell })
  }

  progress(cell: Cell, share: number): void {
    this.#onEvent({ type: 'progress', cell, share })
  }

  done(cell: Cell, result: RunResult): void {
    this.results.set(cell.name, result)
    this.failed.delete(cell.name)
    this.#onEvent({ type: 'done', cell, result })
  }

  /** Says whether to run it once more. */
  fail(cell: Cell, reason: string): boolean {
    const attempt = (this.#attempts.get(cell.name) ?? 0) + 1
    this.#attempts.set(cell.name, attempt)
    const again = attempt < ATTEMPTS
    this.#record(cell, { attempt, reason, again })
    return again
  }

  /** A run that cannot begin. */
  refuse({ reason, ...cell }: Broken): void {
    this.#record(cell, { attempt: 1, reason, again: false })
  }

  /** A run that is not tried, since it begins with files of runs that have no result. */
  skip(cell: Cell, missing: readonly string[]): void {
    const attempt = this.#attempts.get(cell.name) ?? 0
    this.#record(cell, {
      attempt,
      reason: `begins with files of ${missing.join(' and ')}, without a result`,
      again: false,
    })
  }

  /** A run whose worker was lost: the queue gives it to another, which is no attempt of its own. */
  lost(cell: Cell): void {
    const attempt = (this.#attempts.get(cell.name) ?? 0) + 1
    this.#record(cell, { attempt, reason: 'its worker went away', again: true })
  }

  #record(cell: Named, { attempt, reason, again }: { attempt: number; reason: string; again: boolean }): void {
    this.failed.set(cell.name, reason)
    appendFileSync(this.#file, `${JSON.stringify({ run: cell.name, attempt, reason })}\n`)
    this.#onEvent({ type: 'failed', cell, reason, again })
  }
}
