/** @file Everything that a report says, whatever it is written as. */

import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { yamlProblem } from '../experiment/recipe/changes.ts'
import { UserError } from '../util/errors.ts'
import { readBytes } from '../util/files.ts'
import { type Groups, groupRuns } from './groups.ts'
import { groupsTable } from './groups-table.ts'
import { listed, notesOf } from './notes.ts'
import { type ReportedRun, readRuns } from './run.ts'
import type { Table } from './table.ts'

export interface Report {
  title: string
  summary?: string
  runs: readonly ReportedRun[]
  groups: Groups
  /** A row per group, and one per run. */
  means: Table
  each: Table
  notes: readonly string[]
}

/** Of the runs in folders of runs and sweeps. Throws UserError where {@link readRuns} does. */
export function reportOf(folders: readonly string[]): Report {
  const runs = readRuns(folders)
  const groups = groupRuns(runs)
  return {
    ...headingOf(folders, runs),
    runs,
    groups,
    notes: notesOf(groups),
    means: groupsTable(groups),
    each: groupsTable(groupRuns(runs, { each: true }), { each: true }),
  }
}

/** A sweep is called what its file says; a run what its recipe says; several folders what they are called. */
function headingOf(folders: readonly string[], runs: readonly ReportedRun[]): { title: string; summary?: string } {
  if (folders.length > 1) return { title: listed(folders.map((folder) => basename(resolve(folder)))) }
  const file = join(folders[0], 'sweep.yaml')
  if (existsSync(file)) {
    const document = parseDocument(new TextDecoder().decode(readBytes(file)))
    const [problem] = document.errors
    if (problem) throw new UserError(`${file} is not valid YAML: ${yamlProblem(problem)}`)
    const summary = document.get('summary')
    return { title: String(document.get('name')), summary: summary ? String(summary) : undefined }
  }
  const [{ recipe }] = runs
  return runs.length === 1 ? { title: recipe.name, summary: recipe.summary } : { title: basename(resolve(folders[0])) }
}
