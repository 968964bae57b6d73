/** @file Second-order pruning as a recipe asks for it: at each event, with new gradients at the weights of that moment. */
import type { Dataset } from '../data/dataset.ts'
import type { Model } from '../models/model.ts'
import { chooseTensors, isLinear } from '../prune/tensors.ts'
import type { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { GradientSource } from '../workflow/gradients.ts'
import { type PruneResult, prunedResult } from '../workflow/masks.ts'
import { drawSamples, USUAL_JUDGE, usualSamples } from '../workflow/samples.ts'
import { pruneSecondOrder } from '../workflow/second-order.ts'
import { isSecondOrder, type Recipe } from './recipe.ts'

export interface SecondOrderPlan {
  /** Of the network's options. */
  programs: GradientSource['programs']
  judged: number
  /** Prunes to a sparsity of the chosen tensors. */
  prune(network: Network, sparsity: number): PruneResult
}

/** Undefined where the recipe prunes by other methods. Throws UserError where the training set is too small. */
export function secondOrderPlan(
  { prune, seed, data: { validation } }: Recipe,
  model: Model,
  data: Dataset,
): SecondOrderPlan | undefined {
  if (!prune || !isSecondOrder(prune.method)) return undefined
  const { method } = prune
  const options: Partial<NonNullable<typeof prune.secondOrder>> = prune.secondOrder ?? {}
  const { miniBatch = 1, judge = USUAL_JUDGE, stages = 1, faithful = false, damp: lambda, include, exclude } = options
  const { samples = usualSamples(model), blocks: fisher = isLinear(model) ? 'full' : 'layer' } = options
  const left = data.train.count - validation - (faithful ? 0 : judge)
  if (samples * miniBatch > left)
    throw new UserError(
      `prune.secondOrder: ${samples} gradients of ${miniBatch} samples and ${judge} judging samples are more than the ${data.train.count - validation} training samples of ${data.name}`,
    )
  const tensors = chooseTensors(model, { include, exclude }).map(({ name }) => name)
  const source = new GradientSource({ tensors, samples, miniBatch })
  return {
    programs: source.programs,
    judged: judge,
    prune(network, sparsity) {
      const training = network.indices.train
      const drawn = drawSamples(training.length, { gradients: samples * miniBatch, judge, seed, faithful })
      const [gradients, judging] = [drawn.gradients, drawn.judge].map((list) => list.map((i) => training[i]))
      pruneSecondOrder(network, source, {
        method,
        sparsity,
        lambda,
        fisher,
        stages,
        faithful,
        seed,
        gradients,
        judge: judging,
      })
      return prunedResult(network)
    },
  }
}
