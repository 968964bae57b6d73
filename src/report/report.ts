/** @file Gathers everything that a report says, in whatever format it is written. */
import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import { SWEEP_FILES } from '../sweep/files.ts'
import { checkSchema } from '../util/check-schema.ts'
import { plainValue, readYaml } from '../util/yaml.ts'
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
  /** The table with a row per group. */
  means: Table
  /** The table with a row per run. */
  each: Table
  notes: readonly string[]
}

/**
 * Makes the report of the runs in folders of runs and sweeps. Throws UserError where {@link readRuns} does.
 */
export const reportOf = (folders: readonly string[]): Report => reportOfRuns(folders, readRuns(folders))

/** Makes the report of runs that were read from some folders, by which it is called. */
export function reportOfRuns(folders: readonly string[], runs: readonly ReportedRun[]): Report {
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

/** What a sweep's own file says of it. */
const headingSchema = z.object({ name: z.string(), summary: z.string().optional() })

/** Titles the report: by the file of a sweep, by the recipe of a run, by the names of several folders. */
function headingOf(folders: readonly string[], runs: readonly ReportedRun[]): { title: string; summary?: string } {
  if (folders.length > 1) return { title: listed(folders.map((folder) => basename(resolve(folder)))) }
  const file = join(folders[0], SWEEP_FILES.sweep)
  if (existsSync(file)) {
    const { name, summary } = checkSchema(headingSchema, plainValue(readYaml(file), file), {
      source: file,
      whole: 'sweep',
    })
    return { title: name, summary }
  }
  const [{ recipe }] = runs
  return runs.length === 1 ? { title: recipe.name, summary: recipe.summary } : { title: basename(resolve(folders[0])) }
}
