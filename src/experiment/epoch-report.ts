/** @file What is said of an epoch: beside its losses how the network does on held-out samples, and how far training by GSM has come. */
import { sparsityOf } from '../prune/mask.ts'
import type { Network } from '../train/network.ts'
import type { EpochResult } from '../train/train.ts'
import { evaluateTop, gapOf } from '../workflow/gsm.ts'
import type { EpochReport } from './run-events.ts'

/** Sparsity by masks, as at pruning events: a weight that has just grown is zero. */
export const maskedShare = (network: Network): number =>
  sparsityOf(network.counts().map((layer) => ({ ...layer, kept: network.weights.count(layer.name) })))

export function epochReport(network: Network, epoch: EpochResult, sparsity: number): EpochReport {
  network.assertMasked()
  const held = network.indices.validation.length > 0 ? network.evaluate('validation') : undefined
  const validation = held && { validationLoss: held.loss, validationAccuracy: held.accuracy }
  const top = network.active === undefined ? undefined : gapOf(network, network.active)
  const pruned = top && { gap: top.gap, prunedAccuracy: held && evaluateTop(network, top.masks).accuracy }
  return { type: 'epoch', ...epoch, sparsity, ...validation, ...pruned }
}
