/** @file The reports of sweeps, as espalier report makes them, made anew where a run has changed since. */

import { reportOfRuns } from '../report/report.ts'
import { readRun } from '../report/run.ts'
import { type ReportView, reportView } from '../report/view.ts'
import { UserError } from '../util/errors.ts'
import { nextTurn } from '../util/next-turn.ts'
import type { RunIndex } from './run-index.ts'

export class Reports {
  readonly #index: RunIndex
  readonly #known = new Map<string, { stamp: string; view: Promise<ReportView> }>()

  constructor(index: RunIndex) {
    this.#index = index
  }

  /** The report of a sweep's folder. Throws UserError where it has no run, or one cannot be read. */
  of(sweep: string): Promise<ReportView> {
    const entries = [...this.#index.entries.values()].filter((entry) => entry.sweep === sweep)
    const stamp = JSON.stringify(entries.map(({ folder, changed }) => [folder, changed]))
    const known = this.#known.get(sweep)
    if (known?.stamp === stamp) return known.view
    const view = make(
      sweep,
      entries.map(({ folder }) => folder),
    )
    this.#known.set(sweep, { stamp, view })
    // A failure is tried again, since the next one may have found the file whole.
    view.catch(() => this.#known.delete(sweep))
    return view
  }
}

/** Others have a turn after every run. */
async function make(sweep: string, folders: readonly string[]): Promise<ReportView> {
  if (folders.length === 0) throw new UserError(`${sweep} holds no run yet`)
  const runs = []
  for (const folder of [...folders].sort()) {
    runs.push(readRun(folder))
    await nextTurn()
  }
  return await reportView(reportOfRuns([sweep], runs), { command: `espalier report ${sweep} -o report.html` })
}
