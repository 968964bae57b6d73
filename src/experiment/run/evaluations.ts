/**
 * @file What is evaluated after an epoch: each part of the data as often as the recipe says, and after the
 * last.
 */
import { evaluateTop, type Gap, gapOf } from '../../methods/gsm/selection.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import type { Network } from '../../train/network.ts'
import type { RunPlan } from '../plan/resolve.ts'

export interface EpochEvaluations {
  /** On the held-out samples, and on the same with the largest weights alone (train.gsm). */
  validation?: Evaluation
  pruned?: Evaluation
  /** On all samples that are trained on, without crops and flips. */
  train?: Evaluation
  test?: Evaluation
  /** With train.gsm, after every epoch. */
  gap?: Gap
}

/** Evaluates a network after so many epochs. */
export function evaluationsAfter(epoch: number, { recipe, active }: RunPlan, network: Network): EpochEvaluations {
  const { every = 1, train, test } = recipe.validation ?? {}
  const isDue = (period: number | undefined) =>
    period !== undefined && (epoch % period === 0 || epoch === recipe.train.epochs)
  const validates = network.indices.validation.length > 0 && isDue(every)
  const top = active === undefined ? undefined : gapOf(network, active)
  return {
    validation: validates ? network.evaluate('validation') : undefined,
    pruned: validates && top ? evaluateTop(network, top.masks) : undefined,
    train: isDue(train) ? network.evaluate('train') : undefined,
    test: isDue(test) ? network.evaluate('test') : undefined,
    gap: top?.gap,
  }
}
