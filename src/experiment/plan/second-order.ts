/**
 * @file Second-order pruning as a recipe asks for it: at each event, with new gradients at the weights of
 * that moment.
 */
import type { Dataset } from '../../data/dataset.ts'
import { prunedResult } from '../../methods/masks.ts'
import { drawSamples, USUAL_JUDGE, usualJudge, usualSamples } from '../../methods/samples.ts'
import { pruneSecondOrder } from '../../methods/second-order/driver.ts'
import { planGradients } from '../../methods/second-order/fisher/gradient-plan.ts'
import { GradientSource } from '../../methods/second-order/fisher/gradients.ts'
import type { Model } from '../../models/model.ts'
import { chooseTensors, isLinear } from '../../sparsity/tensors.ts'
import { BatchNormRefresh, hasBatchNorm } from '../../train/refresh-batch-norm.ts'
import { UserError } from '../../util/errors.ts'
import { random } from '../../util/random.ts'
import { isSecondOrder, type Recipe } from '../recipe/recipe.ts'
import type { PruningPlan } from './pruning-plan.ts'

/**
 * Undefined where the recipe prunes by other methods. Throws UserError where the training set or memory is
 * too small, or new statistics are asked for and there is no batch normalization.
 */
export function secondOrderPlan(
  { prune, seed, data: { validation } }: Recipe,
  model: Model,
  data: Dataset,
): PruningPlan | undefined {
  if (!prune || !isSecondOrder(prune.method)) return undefined
  const { method } = prune
  const options: Partial<NonNullable<typeof prune.secondOrder>> = prune.secondOrder ?? {}
  const { miniBatch = 1, stages, faithful = false, damp: lambda, include, exclude, refreshBatchNorm } = options
  const { samples = usualSamples(model, method), blocks: fisher = isLinear(model) ? 'full' : 'layer', memory } = options
  const count = data.train.count - validation
  const judge = options.judge ?? usualJudge(method, faithful, count, USUAL_JUDGE)
  if (samples * miniBatch > count - (faithful ? 0 : judge) || judge > count)
    throw new UserError(
      `prune.secondOrder: ${samples} gradients of ${miniBatch} samples and ${judge} judging samples are more than the ${count} training samples of ${data.name}`,
    )
  if (refreshBatchNorm !== undefined && !hasBatchNorm(model))
    throw new UserError(`prune.secondOrder.refreshBatchNorm: ${model.name} has no batch normalization`)
  if (refreshBatchNorm !== undefined && refreshBatchNorm > count)
    throw new UserError(
      `prune.secondOrder.refreshBatchNorm: expected at most the ${count} training samples of ${data.name}, found ${refreshBatchNorm}`,
    )
  const tensors = chooseTensors(model, { include, exclude })
  const needs = { samples, miniBatch, method, fisher, memory: memory && memory * 2 ** 30 }
  const plan = planGradients(model, tensors, needs, 'prune.secondOrder')
  const source = new GradientSource({ tensors: tensors.map(({ name }) => name), samples, miniBatch, ...plan })
  const refresh = refreshBatchNorm === undefined ? undefined : new BatchNormRefresh(refreshBatchNorm)
  return {
    programs: { ...source.programs, ...refresh?.programs },
    judged: judge,
    kernels: 'dense',
    prune(network, { sparsity }, _index, progress = () => {}) {
      const training = network.indices.train
      const drawn = drawSamples(training.length, { gradients: samples * miniBatch, judge, seed, faithful })
      const places = (list: Uint32Array) => list.map((i) => training[i])
      const judging = places(drawn.judge)
      pruneSecondOrder(network, source, {
        method,
        sparsity,
        lambda,
        fisher,
        stages,
        faithful,
        seed,
        gradients: places(drawn.gradients),
        judge: judging,
        judgeStart: drawn.judgeStart && places(drawn.judgeStart),
        onProgress: progress,
      })
      const result = prunedResult(network)
      if (!refresh || refreshBatchNorm === undefined) return result
      const before = network.evaluateTraining(judging).loss
      progress('statistics', '', 0)
      const order = random(seed, 'batch normalization samples').permutation(training.length)
      refresh.run(network, places(order.slice(0, refreshBatchNorm)), (done, total) =>
        progress('statistics', `${done} of ${total} images`, done / total),
      )
      const after = network.evaluateTraining(judging).loss
      return { ...result, statistics: { images: refreshBatchNorm, before, after } }
    },
  }
}
