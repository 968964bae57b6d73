/** @file The metrics of runs as they stand in their folders: a record for each line. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { checkSchema } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { excerpt } from '../../util/excerpt.ts'
import { readText } from '../../util/files.ts'
import type { EpochReport, RunEvent, RunResult } from './events.ts'
import { FILES } from './folder.ts'

/**
 * Run folders in a folder, itself included, in the order of their names. Throws UserError where there is
 * none.
 */
export function runFolders(path: string): string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UserError(`${path}: expected a run folder, found a file`)
  const found = existsSync(path)
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter(({ name }) => name === FILES.metrics)
        .map(({ parentPath }) => parentPath)
    : []
  if (found.length === 0) throw new UserError(`${path} holds no run: there is no ${FILES.metrics} in it or below`)
  return found.sort()
}

/**
 * The epochs of a run so far and, where it is complete, its result. Throws UserError where a line is no
 * record of a run.
 */
export function metricsIn(folder: string): { epochs: EpochReport[]; result?: RunResult } {
  const records = recordsIn(folder)
  return {
    epochs: records.filter((record) => record.type === 'epoch'),
    result: records.find((record) => record.type === 'final'),
  }
}

/** A line of metrics; `time` (ISO 8601) is absent from runs of before it was recorded. */
export type MetricsRecord = (Extract<RunEvent, { type: 'epoch' | 'prune' | 'rewire' }> | FinalRecord) & {
  time?: string
}
type FinalRecord = { type: 'final' } & RunResult

/**
 * All that a run has recorded so far, in its order. `unfinished`: the run goes on, so that a last line
 * without an end is one that is just being written. Throws UserError as {@link metricsIn} does.
 */
export function recordsIn(folder: string, { unfinished = false } = {}): MetricsRecord[] {
  const path = join(folder, FILES.metrics)
  const text = readText(path)
  const lines = (unfinished ? text.slice(0, text.lastIndexOf('\n') + 1) : text).split('\n').filter(Boolean)
  return lines.map((line, i) => recordIn(line, `${path}: line ${i + 1}`))
}

/** What every line has, and what is read of the one with the result. */
const recordSchema = z.looseObject({ type: z.string() })
const resultSchema = z.looseObject({ final: z.looseObject({ accuracy: z.number() }) })

/** The record in a line of metrics, which messages call `source`. Throws UserError where it is none. */
function recordIn(line: string, source: string): MetricsRecord {
  let record: MetricsRecord
  try {
    record = JSON.parse(line)
  } catch {
    throw new UserError(`${source}: expected JSON, found ${excerpt(line)}`)
  }
  checkSchema(recordSchema, record, { source, whole: 'record' })
  if (record.type === 'final') checkSchema(resultSchema, record, { source, whole: 'result' })
  return record
}
