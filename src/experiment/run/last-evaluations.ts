/**
 * @file What the last epochs and evaluations of a run came to on average: less at the mercy of one epoch than
 * the last, and not chosen by its result.
 */
import type { EpochReport } from './events.ts'
import { metricsIn } from './records.ts'

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
