/**
 * @file What is said of an epoch: beside its losses how the network does on held-out samples, and how far
 * training by GSM has come.
 */

import { evaluateTop, gapOf } from '../../methods/gsm/selection.ts'
import { sparsityOf } from '../../sparsity/mask.ts'
import type { Network } from '../../train/network.ts'
import type { EpochResult } from '../../train/train.ts'
import type { EpochReport } from './events.ts'

/** Sparsity by masks, as at pruning events: a weight that has just grown is zero. */
export const maskedShare = (network: Network): number =>
  sparsityOf(network.counts().map((layer) => ({ ...layer, kept: network.weights.count(layer.name) })))

export function epochReport(network: Network, epoch: EpochResult, sparsity: number): EpochReport {
  network.assertMasked()
  const held = network.indices.validation.length > 0 ? network.evaluate('validation') : undefined
  const validation = held && { validationLoss: held.loss, validationAccuracy: held.accuracy }
  return { type: 'epoch', ...epoch, sparsity, ...validation, ...gsmReport(network, epoch, held !== undefined) }
}

/** Of the weights that GSM keeps active, and of those that it would leave: nothing without it. */
function gsmReport(network: Network, { reactivated = 0 }: EpochResult, held: boolean): Partial<EpochReport> {
  const { active, stepsPerEpoch } = network
  if (active === undefined) return {}
  const { gap, masks } = gapOf(network, active)
  return {
    gap,
    prunedAccuracy: held ? evaluateTop(network, masks).accuracy : undefined,
    overlap: 1 - reactivated / (active * stepsPerEpoch),
  }
}
