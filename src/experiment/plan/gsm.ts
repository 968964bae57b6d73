/** @file Global Sparse Momentum SGD as a recipe asks for it: the key `train.gsm`. */
import { z } from 'zod'
import { sizeOf } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { passiveProblem } from '../../optim/gsm.ts'
import { learningRate, type RateSchedule } from '../../optim/schedule.ts'
import type { SgdOptions } from '../../optim/sgd.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { isDuration, toSteps } from '../recipe/duration.ts'
import type { Recipe } from '../recipe/recipe.ts'

export const gsmSchema = z.strictObject({
  ratio: z
    .number()
    .gt(1)
    .describe('Compression ratio C: of N prunable weights round(N / C) are active, and left in the end.'),
  freeze: z
    .string()
    .refine(isDuration, 'expected a duration such as 4ep or 500it')
    .optional()
    .describe('From when on the largest |w| are active, instead of the largest |w g| (default: never, as published).'),
})

/**
 * The step from which on the largest weights are active; undefined where there is none. Throws UserError
 * where that is no step of the training.
 */
export function freezeStep({ train: { gsm, epochs } }: Recipe, stepsPerEpoch: number): number | undefined {
  if (gsm?.freeze === undefined) return undefined
  const [step, steps] = [toSteps(gsm.freeze, stepsPerEpoch), epochs * stepsPerEpoch]
  if (step < steps) return step
  throw new UserError(`train.gsm.freeze: expected less than the ${steps} steps of the training, found ${gsm.freeze}`)
}

/** Throws UserError where a recipe asks for what does not go together. */
export function checkGsm({ model, train, prune, tie }: Recipe, source: string): void {
  if (!train.gsm) return
  if (model.masks !== undefined)
    throw new UserError(`${source}: train.gsm: any weight may become active, expected no model.masks beside it`)
  if (train.epochs === 0) throw new UserError(`${source}: train.gsm: prunes by training, expected epochs of 1 or more`)
  if (prune) throw new UserError(`${source}: train.gsm: prunes by itself, expected no prune section beside it`)
  if (tie) throw new UserError(`${source}: train.gsm: ranks weights one by one, expected no tie section beside it`)
  if (train.kernels === 'sparse')
    throw new UserError(`${source}: train.kernels: gsm trains all weights, expected dense or auto kernels`)
}

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

/** What is wrong with the schedule of a recipe with train.gsm; nothing for others. */
export function gsmProblem(recipe: Recipe, schedule: RateSchedule, stepsPerEpoch: number): string | undefined {
  if (!recipe.train.gsm) return undefined
  // What is frozen out may have been active until then.
  const from = freezeStep(recipe, stepsPerEpoch) ?? 0
  const rates = Array.from({ length: schedule.total - from }, (_, step) => learningRate(schedule, from + step))
  const problem = passiveProblem(rates, optimizerOf(recipe))
  return problem && `train.gsm: ${problem}`
}
