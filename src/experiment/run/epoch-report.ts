/**
 * @file What is said of an epoch: beside its losses how the network does on held-out samples, and how far
 * training by GSM has come.
 */

import { STAYED } from '../../methods/gsm/rule.ts'
import { evaluateTop, gapOf } from '../../methods/gsm/selection.ts'
import { sparsityOf } from '../../sparsity/mask.ts'
import type { Network } from '../../train/network.ts'
import type { EpochResult } from '../../train/train.ts'
import type { EpochReport } from './events.ts'

/** Sparsity by masks, as at pruning events: a weight that has just grown is zero. */
export const maskedShare = (network: Network): number =>
  sparsityOf(network.counts().map((layer) => ({ ...layer, kept: network.weights.count(layer.name) })))

/** `active`: how many weights GSM keeps active, where it does. */
export function epochReport(
  network: Network,
  { outputs, ...epoch }: EpochResult,
  sparsity: number,
  active: number | undefined,
): EpochReport {
  network.assertMasked()
  const held = network.indices.validation.length > 0 ? network.evaluate('validation') : undefined
  const validation = held && { validationLoss: held.loss, validationAccuracy: held.accuracy }
  const gsm = active === undefined ? undefined : gsmReport(network, outputs?.[STAYED] ?? 0, active, held !== undefined)
  return { type: 'epoch', ...epoch, sparsity, ...validation, ...gsm }
}

/**
 * Of the weights that GSM keeps active, and of those that it would leave. `stayed`: summed over the epoch's
 * steps.
 */
function gsmReport(network: Network, stayed: number, active: number, held: boolean): Partial<EpochReport> {
  const { gap, masks } = gapOf(network, active)
  const all = active * network.stepsPerEpoch
  return {
    gap,
    prunedAccuracy: held ? evaluateTop(network, masks).accuracy : undefined,
    reactivated: all - stayed,
    overlap: 1 - (all - stayed) / all,
  }
}
