/**
 * @file What the last epochs and evaluations of a run came to on average: less at the mercy of one epoch than
 * the last, and not chosen by its result.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { checkSchema } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { excerpt } from '../../util/excerpt.ts'
import { readText } from '../../util/files.ts'
import type { EpochReport, RunEvent, RunResult } from './events.ts'
import { FILES } from './folder.ts'

/** How many epochs or evaluations are averaged. */
export const LAST = 10

/**
 * Means over the last {@link LAST} epochs of a run and over as many of its last evaluations of each kind, or
 * all where there are fewer; undefined what the run has none of.
 */
export interface LastEvaluations {
  folder: string
  /** Epochs of the run so far, and how many of them `trainLoss` is the mean of. */
  epochs: number
  averaged: number
  trainLoss?: number
  /** On held-out samples; with train.gsm also with the largest weights alone. */
  validationLoss?: number
  validationAccuracy?: number
  validationTop5?: number
  validationPrecision?: number
  validationRecall?: number
  validationF1?: number
  prunedAccuracy?: number
  /** On all samples that are trained on, where the recipe evaluates them. */
  trainSetLoss?: number
  trainSetAccuracy?: number
  /** On the test set while training, where the recipe evaluates it: how often in all, and the means. */
  testEvaluations?: number
  testLoss?: number
  testAccuracy?: number
  testTop5?: number
  /** On the test set, in the end, where the run is complete: accuracies before pruning and of the result. */
  dense?: number
  final?: number
  /** Other measures of the result. */
  top5?: number
  precision?: number
  recall?: number
  f1?: number
}

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

/** Throws UserError as {@link metricsIn} does. */
export function lastEvaluations(folder: string, { epochs, result } = metricsIn(folder)): LastEvaluations {
  const mean = (of: (epoch: EpochReport) => number | undefined) => {
    const values = epochs.map(of).filter((value) => value !== undefined)
    const last = values.slice(-LAST)
    return last.length > 0 ? last.reduce((sum, value) => sum + value, 0) / last.length : undefined
  }
  const { top5, precision, recall, f1, accuracy: final } = result?.final ?? {}
  return {
    folder,
    epochs: epochs.length,
    averaged: Math.min(LAST, epochs.length),
    trainLoss: mean((epoch) => epoch.trainLoss),
    validationLoss: mean((epoch) => epoch.validationLoss),
    validationAccuracy: mean((epoch) => epoch.validationAccuracy),
    validationTop5: mean((epoch) => epoch.validationTop5),
    validationPrecision: mean((epoch) => epoch.validationPrecision),
    validationRecall: mean((epoch) => epoch.validationRecall),
    validationF1: mean((epoch) => epoch.validationF1),
    prunedAccuracy: mean((epoch) => epoch.prunedAccuracy),
    trainSetLoss: mean((epoch) => epoch.trainSet?.loss),
    trainSetAccuracy: mean((epoch) => epoch.trainSet?.accuracy),
    testEvaluations: epochs.filter(({ testSet }) => testSet).length || undefined,
    testLoss: mean((epoch) => epoch.testSet?.loss),
    testAccuracy: mean((epoch) => epoch.testSet?.accuracy),
    testTop5: mean((epoch) => epoch.testSet?.top5),
    dense: result?.dense?.accuracy,
    final,
    top5,
    precision,
    recall,
    f1,
  }
}
