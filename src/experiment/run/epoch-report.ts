/** @file What is said of an epoch: its losses, its evaluations, and how far training by GSM has come. */

import { STAYED } from '../../methods/gsm/rule.ts'
import { sparsityOf } from '../../sparsity/mask.ts'
import type { Network } from '../../train/network.ts'
import type { EpochResult } from '../../train/train.ts'
import type { EpochEvaluations } from './evaluations.ts'
import type { EpochReport } from './events.ts'

/** Sparsity by masks, as at pruning events: a weight that has just grown is zero. */
export const maskedShare = (network: Network): number =>
  sparsityOf(network.counts().map((layer) => ({ ...layer, kept: network.weights.count(layer.name) })))

/** `active`: how many weights GSM keeps active, where it does. */
export function epochReport(
  { outputs, ...epoch }: EpochResult,
  { validation: held, pruned, train, test, gap }: EpochEvaluations,
  sparsity: number,
  active: number | undefined,
  stepsPerEpoch: number,
): EpochReport {
  const validation = held && {
    validationLoss: held.loss,
    validationAccuracy: held.accuracy,
    validationTop5: held.top5,
    validationPrecision: held.precision,
    validationRecall: held.recall,
    validationF1: held.f1,
  }
  const gsm = active === undefined ? undefined : activity(outputs?.[STAYED] ?? 0, active * stepsPerEpoch)
  const parts = { trainSet: train, testSet: test, gap, prunedAccuracy: pruned?.accuracy, prunedF1: pruned?.f1 }
  return { type: 'epoch', ...epoch, sparsity, ...validation, ...parts, ...gsm }
}

/** Of the weights that GSM keeps active. `stayed` and `all` are sums over the epoch's steps. */
const activity = (stayed: number, all: number): Partial<EpochReport> => {
  return { reactivated: all - stayed, overlap: 1 - (all - stayed) / all }
}
