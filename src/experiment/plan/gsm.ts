/** @file Global Sparse Momentum SGD as a recipe asks for it: the key `train.gsm`. */
import { sizeOf } from '../../graph/tensor.ts'
import { passiveProblem } from '../../methods/gsm/rule.ts'
import type { Model } from '../../models/model.ts'
import { learningRate, type RateSchedule } from '../../optim/schedule.ts'
import type { SgdOptions } from '../../optim/sgd.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import type { Recipe } from '../recipe/schema.ts'

/**
 * Q = round(N / C), the number of active weights; undefined without train.gsm. Throws UserError where nothing
 * would be left.
 */
export function activeCount(
  gsm: { ratio: number } | undefined,
  model: Model,
  key = 'train.gsm.ratio',
): number | undefined {
  if (!gsm) return undefined
  const all = prunableTensors(model).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const active = Math.round(all / gsm.ratio)
  if (active < 1)
    throw new UserError(`${key}: expected at most the ${all} prunable weights of ${model.name}, found ${gsm.ratio}`)
  return active
}

/** The optimizer's settings. With gsm nothing but kernels and matrices decays, unless the recipe says so. */
export const optimizerOf = ({ train }: Pick<Recipe, 'train'>): SgdOptions => ({
  ...train,
  biasDecay: train.biasDecay ?? (train.gsm ? 0 : train.weightDecay),
})

/**
 * What is wrong with the learning rates of a recipe with train.gsm; nothing for others. `freeze`: when it
 * freezes.
 */
export function gsmProblem(recipe: Recipe, schedule: RateSchedule, freeze: number | undefined): string | undefined {
  if (!recipe.train.gsm) return undefined
  // What is frozen out may have been active until then.
  const from = freeze ?? 0
  const rates = Array.from({ length: schedule.total - from }, (_, step) => learningRate(schedule, from + step))
  const problem = passiveProblem(rates, optimizerOf(recipe))
  return problem && `train.gsm: ${problem}`
}
