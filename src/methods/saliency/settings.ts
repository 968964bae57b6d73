/** @file What can be set of how scores are measured: the section `prune.scoring` of a recipe. */
import { z } from 'zod'
import { shown } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { checkedBy, nameIn, positive } from '../../util/schema.ts'
import type { NameOf } from '../method.ts'
import { polish, reconstruct, refreshBatchNorm } from '../settings.ts'
import type { Saliency, Statistic } from './saliency.ts'

/** What batch normalizations use while derivatives of the loss are measured. */
export const batchNormModes = {
  eval: 'the running statistics; at initialization mean 0 and variance 1, so that nothing is normalized',
  refreshed: 'the statistics of all scoring samples; the running ones come back afterwards',
  train: 'the statistics of the mini-batch, and dropout, as in training; mini-batches of at least 2 samples',
} as const
export type BatchNormMode = keyof typeof batchNormModes

export const scoringSettings = z.strictObject({
  samples: checkedBy<number | 'all'>(
    (value) => value === 'all' || (Number.isInteger(value) && Number(value) >= 1),
    (value) => `expected a whole number of at least 1, or all, found ${shown(value)}`,
  )
    .optional()
    .describe('Training samples that derivatives are measured on, or all (default: 1000).'),
  miniBatch: positive.optional().describe('Training samples whose mean loss one gradient belongs to (default: 1).'),
  batchNorm: nameIn<BatchNormMode>(batchNormModes)
    .optional()
    .describe('What batch normalizations use: eval (default), refreshed or train.'),
  temperature: z.number().positive().optional().describe("What logits are divided by (default: the method's)."),
  probes: positive.optional().describe("Random vectors per 50 samples, of estimates of the Hessian's diagonal."),
  sign: z.enum(['+', '-']).optional().describe('Of the first-order term of fts and hts.'),
  rounds: positive.optional().describe('Of iterative methods.'),
  reconstruct,
  refreshBatchNorm,
  polish,
})
export type ScoringSettings = z.output<typeof scoringSettings>

/** Settings that say how a saliency is measured. */
export type MeasuringKey = Exclude<keyof ScoringSettings, 'reconstruct' | 'refreshBatchNorm' | 'polish'>

/** Whether derivatives of the loss are needed. */
export const usesLoss = ({ needs = [] }: Saliency<Statistic>): boolean => needs.some((need) => need !== 'flow')

/** The settings that a saliency has a use for. */
export function measuringKeys(saliency: Saliency<Statistic>): MeasuringKey[] {
  return [
    ...(usesLoss(saliency) ? (['samples', 'miniBatch', 'batchNorm', 'temperature'] as const) : []),
    ...(saliency.needs?.includes('hessianDiagonal') ? (['probes'] as const) : []),
    ...(saliency.sign === undefined ? [] : (['sign'] as const)),
    ...(saliency.rounds === undefined ? [] : (['rounds'] as const)),
  ]
}

/** Throws UserError where settings do not fit together. `samples` may be unknown. */
export function checkTogether(
  { samples, miniBatch = 1, batchNorm = 'eval' }: Pick<ScoringSettings, 'samples' | 'miniBatch' | 'batchNorm'>,
  nameOf: NameOf,
): void {
  if (batchNorm === 'train' && miniBatch < 2)
    throw new UserError(
      `${nameOf('batchNorm')}: train normalizes a mini-batch by its own statistics, expected a miniBatch of at least 2, found ${miniBatch}`,
    )
  if (batchNorm === 'refreshed' && samples === 1)
    throw new UserError(
      `${nameOf('batchNorm')}: refreshed takes statistics of at least 2 samples, found samples: ${samples}`,
    )
}
