/** @file The work of espalier export. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ExportFormatName } from '../../export/format-names.ts'
import { exportFormats } from '../../export/formats.ts'
import { type ExportedRun, exportedRuns } from '../../export/runs.ts'
import { UserError } from '../../util/errors.ts'
import { checkFolder, makeFolder, writeAtomically } from '../../util/files.ts'
import { print, printJson, printNote } from '../display/output.ts'

export interface ExportOptions {
  to: ExportFormatName
  output: string
  force?: boolean
  json?: boolean
}

/** Everything is read before anything is written. */
export async function exportRuns(folders: string[], { to, output, force, json }: ExportOptions): Promise<void> {
  checkFolder(output)
  if (!force && existsSync(output) && readdirSync(output).length > 0)
    throw new UserError(`${output} exists already and is not empty; --force writes into it`)
  const all = exportedRuns(folders)
  const runs = all.filter(({ points }) => points.length > 0)
  if (runs.length === 0)
    throw new UserError(`${listed(all)}: expected metrics, found none yet: an epoch has to end before there are some`)
  const written = runs.map((run) => ({ run, file: write(run, to, output) }))
  for (const sentence of notesOf(all)) printNote(sentence)
  if (json)
    return printJson(
      written.map(({ run: { folder, state, points }, file }) => {
        return { folder, state, file, values: points.reduce((sum, { values }) => sum + values.size, 0) }
      }),
    )
  const shown = to === 'tensorboard' ? `; tensorboard --logdir ${output} shows them` : ''
  print(`written: ${written.length === 1 ? written[0].file : `${written.length} runs in ${output}`}${shown}`)
}

/** Writes a run's file, and removes an older one of another name; returns the path. */
function write({ name, points }: ExportedRun, to: ExportFormatName, output: string): string {
  const { file, content, isExported } = exportFormats[to]
  const folder = join(output, name)
  const own = file(points[0].time)
  makeFolder(folder)
  writeAtomically(join(folder, own), content(points))
  for (const other of readdirSync(folder)) if (isExported(other) && other !== own) rmSync(join(folder, other))
  return join(folder, own)
}

function notesOf(runs: readonly ExportedRun[]): string[] {
  const empty = runs.filter(({ points }) => points.length === 0)
  const some = runs.filter(({ points }) => points.length > 0)
  const [goingOn, stopped] = (['goes on', 'stopped'] as const).map((of) => some.filter(({ state }) => state === of))
  return [
    ...(empty.length > 0 ? [`${listed(empty)}: nothing is recorded yet, left out`] : []),
    ...(goingOn.length > 0 ? [`${listed(goingOn)}: not at the end yet, exported as far as recorded`] : []),
    ...(stopped.length > 0 ? [`${listed(stopped)}: stopped before the end, exported as far as recorded`] : []),
  ]
}

/** The most folders that a sentence names. */
const MOST = 3

function listed(runs: readonly ExportedRun[]): string {
  const names = runs.slice(0, MOST).map(({ folder }) => folder)
  return runs.length > MOST ? `${names.join(', ')} and ${runs.length - MOST} more` : names.join(', ')
}
