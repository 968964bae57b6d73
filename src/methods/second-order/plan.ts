/**
 * @file Second-order pruning of a network that is not there yet: how many samples, how gradients fit into
 * memory, and what happens at an event, where gradients are taken anew at the weights of that moment.
 */
import { multiplyAddsOf, weightCosts } from '../../sparsity/multiply-adds.ts'
import { isLinear } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { flopsAt } from '../flops.ts'
import { prunedResult } from '../masks.ts'
import type { PruningPlan, PruningRequest } from '../method.ts'
import { withRefresh } from '../refresh.ts'
import { drawSamples, usualJudge, usualSamples } from '../samples.ts'
import { pruneSecondOrder } from './driver.ts'
import { GradientCache } from './fisher/gradient-cache.ts'
import { planGradients } from './fisher/gradient-plan.ts'
import { GradientSource } from './fisher/gradients.ts'
import type { SecondOrderMethod } from './options.ts'
import { usualPolish, withPolish } from './polish.ts'
import type { SecondOrderSettings } from './settings.ts'

/**
 * Throws UserError where the training set or memory is too small, or new statistics are asked for and there
 * is no batch normalization.
 */
export function secondOrderPlan(
  method: SecondOrderMethod,
  settings: SecondOrderSettings,
  request: PruningRequest,
): PruningPlan {
  const { model, tensors, scope, seed, nameOf, cache } = request
  const { stages, faithful = false, damp: lambda, memory } = settings
  const { samples, miniBatch, judge } = sampleCounts(method, settings, request)
  const { blocks: fisher = isLinear(model) ? 'full' : 'layer' } = settings
  const needs = { samples, miniBatch, method, fisher, memory: memory && memory * 2 ** 30 }
  const source = new GradientSource({
    tensors: tensors.map(({ name }) => name),
    samples,
    miniBatch,
    ...planGradients(model, tensors, needs, nameOf('samples')),
    cache: cache && new GradientCache(cache.folder, cache.notice),
  })
  const draw = (training: number) => drawSamples(training, { gradients: samples * miniBatch, judge, seed, faithful })
  const plan: PruningPlan = {
    settings: { samples, miniBatch, blocks: fisher, damp: lambda, stages, judge, faithful },
    network: { programs: source.programs, judged: judge, kernels: 'dense' },
    budgets: request.flops !== undefined,
    prune(network, event, _index, onProgress = () => {}) {
      const flops = flopsAt(event, request.flops)
      const training = network.indices.train
      const drawn = draw(training.length)
      const places = (list: Uint32Array) => list.map((i) => training[i])
      const { stages: reports, seconds } = pruneSecondOrder(network, source, {
        method,
        sparsity: event.sparsity,
        flops,
        lambda,
        fisher,
        scope: scope === 'layerwise' ? scope : 'global',
        stages,
        faithful,
        seed,
        gradients: places(drawn.gradients),
        judge: places(drawn.judge),
        judgeStart: drawn.judgeStart && places(drawn.judgeStart),
        between: () => void refreshed.refresh?.(network, onProgress),
        onProgress,
      })
      const gradients = method === 'magnitude' ? 0 : reports.length * samples * miniBatch
      const result = prunedResult(network)
      const multiplyAdds =
        flops === undefined
          ? undefined
          : multiplyAddsOf(
              weightCosts(model),
              result.layers.filter(({ name }) => source.tensors.includes(name)),
            )
      return {
        ...result,
        ...(multiplyAdds && { multiplyAdds }),
        ...(gradients > 0 && { gradients }),
        stages: reports,
        seconds,
      }
    },
  }
  const judging = () => draw(request.data.samples).judge
  const refresh = settings.refreshBatchNorm ?? (faithful || request.trained ? 'none' : 'auto')
  const refreshed = withRefresh(plan, refresh, request, judging)
  const usual = faithful || request.trained ? 0 : usualPolish(model)
  return withPolish(refreshed, settings.polish, request, { usual, judging })
}

/**
 * How many gradients, of how many samples each, and how many samples judge. By default at least half of a
 * small data set is left to judge. Throws UserError, naming the setting, where there are not as many.
 */
function sampleCounts(
  method: SecondOrderMethod,
  { miniBatch = 1, faithful = false, ...settings }: SecondOrderSettings,
  { model, data: { name, samples: count }, nameOf }: PruningRequest,
) {
  const all = `the ${grouped(count)} training samples of ${name}`
  const looks = faithful || settings.stages === 1 || method === 'cbs-select' ? 'once' : 'stages'
  const usual = Math.max(1, Math.min(usualSamples(model, looks), Math.floor(count / 2 / miniBatch)))
  const { samples = usual } = settings
  const used = samples * miniBatch
  if (used > count) {
    const each = miniBatch === 1 ? '' : ` in mini-batches of ${grouped(miniBatch)}`
    throw new UserError(`${nameOf('samples')}: expected no more than ${all}, found ${grouped(samples)}${each}`)
  }
  const left = faithful ? count : count - used
  const { judge = usualJudge(method, faithful, count, faithful ? used : left) } = settings
  if (judge === 0)
    throw new UserError(`${nameOf('samples')}: ${grouped(samples)} gradients leave none of ${all} to judge by`)
  if (judge > left)
    throw new UserError(
      `${nameOf('judge')}: expected no more than ${grouped(left)} of ${all}${faithful ? '' : ' beside the gradients'}, found ${grouped(judge)}`,
    )
  return { samples, miniBatch, judge }
}
