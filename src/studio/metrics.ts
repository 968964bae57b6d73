/**
 * @file The metrics of a run that may still be going on, or have been killed while it wrote: lines that are
 * no records are left out, as the last one may be cut short.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { EpochReport, PruneReport, RunResult } from '../experiment/run/events.ts'
import { FILES } from '../experiment/run/folder.ts'
import type { MetricsRecord } from '../experiment/run/records.ts'

/** What the end of the metrics says; all of it is absent of a run that has just begun. */
export interface LatestMetrics {
  epoch?: EpochReport
  /** The last share of zeros that was recorded. */
  sparsity?: number
  result?: RunResult
}

/** Bytes that are read at first; the result of a large network may be longer. */
const END = 2 ** 16

/** The last records of a run. Throws as node:fs does. */
export function latestMetrics(folder: string): LatestMetrics {
  const { text, whole } = endOf(join(folder, FILES.metrics), END)
  const found = latestOf(recordsOf(text))
  if (whole || found.epoch || found.result) return found
  return latestOf(allRecords(folder))
}

/** Every record of a run. Throws as node:fs does. */
export const allRecords = (folder: string): MetricsRecord[] =>
  recordsOf(endOf(join(folder, FILES.metrics), Number.POSITIVE_INFINITY).text)

function latestOf(records: readonly MetricsRecord[]): LatestMetrics {
  const result = records.find((record) => record.type === 'final')
  const epoch = records.findLast((record): record is EpochReport => record.type === 'epoch')
  const sized = records.findLast((record): record is EpochReport | PruneReport => 'sparsity' in record)
  return { epoch, sparsity: result?.sparsity ?? sized?.sparsity, result }
}

const recordsOf = (text: string): MetricsRecord[] => text.split('\n').flatMap((line) => recordIn(line) ?? [])

function recordIn(line: string): MetricsRecord | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value = JSON.parse(line)
    return typeof value.type === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** The last bytes of a file as text, and whether that is all of it. */
function endOf(path: string, most: number): { text: string; whole: boolean } {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.alloc(Math.min(size, most))
    const length = readSync(file, bytes, 0, bytes.length, size - bytes.length)
    return { text: bytes.toString('utf8', 0, length), whole: bytes.length === size }
  } finally {
    closeSync(file)
  }
}
