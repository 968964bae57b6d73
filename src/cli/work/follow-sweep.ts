/**
 * @file The runs of a sweep, or of a folder of recipes, from the first to the last, and what is said of them.
 */
import { join } from 'node:path'
import { SWEEP_FILES } from '../../sweep/files.ts'
import { type RunCells, resultsOf, runSweep, type SweepOutcome } from '../../sweep/sweep.ts'
import type { Sweep } from '../../sweep/sweep-file.ts'
import type { CellEvent } from '../../sweep/tracker.ts'
import { writeAtomically } from '../../util/files.ts'
import { interruptedStatus, interruptible } from '../display/interruptible.ts'
import { print, printJson } from '../display/output.ts'
import { SweepDisplay } from '../display/sweep.ts'
import { exitWith } from '../io.ts'

export interface Following {
  /** The sweep's folder. */
  out: string
  resume?: boolean
  json?: boolean
  jsonSteps?: boolean
  /** Makes the function that runs them; what it has to tell comes in between. */
  runner(onNotice: (text: string) => void): RunCells | Promise<RunCells>
  /** What they came to, as Markdown, and what that is. */
  table(outcome: SweepOutcome): string
  heading: string
  /** The command that goes on with them after Ctrl-C. */
  again: string
}

/** Writes report.md, too. The exit status is 1 where a run has failed. */
export async function followSweep(sweep: Sweep, options: Following): Promise<void> {
  const { out, resume, jsonSteps, table: tableOf, heading, again } = options
  const json = options.json || jsonSteps
  let display: SweepDisplay | undefined
  const run = await options.runner((text) => {
    if (json) printJson({ type: 'notice', text })
    else if (display) display.line(text)
    else print(text)
  })
  const total = sweep.cells.length + (sweep.broken?.length ?? 0)
  display = json ? undefined : new SweepDisplay(total, resultsOf(sweep, out).size)
  const { signal, received, release } = interruptible(() => display?.stop())
  try {
    const outcome = await runSweep(sweep, {
      out,
      signal,
      resume,
      run,
      onEvent: (event) => {
        if (!json) display?.show(event)
        else if (event.type !== 'progress' || jsonSteps) printJson(lineOf(event))
      },
    })
    display?.stop()
    const table = tableOf(outcome)
    writeAtomically(join(out, SWEEP_FILES.report), reportOf(sweep, total, heading, table))
    if (!json) print(`\n${heading}:\n\n${table}\n\nThe sweep is in ${out}`)
    if (received()) {
      if (!json) print(`interrupted; go on with: ${again}`)
      exitWith(interruptedStatus(received()))
    } else if (outcome.failed.size > 0) exitWith(1)
  } finally {
    release()
    display?.stop()
  }
}

function lineOf(event: CellEvent): object {
  const { cell, ...rest } = event
  return { ...rest, run: cell.name, values: cell.values }
}

const reportOf = ({ name, summary }: Sweep, total: number, heading: string, table: string): string =>
  `# ${name}\n\n${summary ? `${summary}\n\n` : ''}${total} runs. ${heading}.\n\n${table}\n`
