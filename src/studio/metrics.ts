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
  return latestOf(allRecords(folder).records)
}

/** Every record of a run, and how many whole lines are none. Throws as node:fs does. */
export function allRecords(folder: string): { records: MetricsRecord[]; unreadable: number } {
  const { text } = endOf(join(folder, FILES.metrics), Number.POSITIVE_INFINITY)
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return { records: recordsOf(text), unreadable: whole.filter((line) => line !== '' && !recordIn(line)).length }
}

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
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** What is shown of each kind of record without a look at whether it is there; losses may be null. */
const NUMBERS: Record<MetricsRecord['type'], readonly string[]> = {
  epoch: ['epoch', 'step', 'sparsity'],
  prune: ['step', 'sparsity', 'target'],
  rewire: ['step', 'pruned', 'grown', 'explored'],
  final: ['sparsity'],
}

const isRecord = (value: Record<string, unknown>): boolean =>
  Object.hasOwn(NUMBERS, value.type as string) &&
  NUMBERS[value.type as MetricsRecord['type']].every((key) => Number.isFinite(value[key]))

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
