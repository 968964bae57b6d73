/**
 * @file Second-order pruning of a network that is not there yet: how gradients fit into memory, and what
 * happens at an event, where gradients are taken anew at the weights of that moment.
 */
import { sizeOf } from '../../graph/tensor.ts'
import { multiplyAddsOf, weightCosts } from '../../sparsity/multiply-adds.ts'
import { isLinear } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { flopsAt } from '../flops.ts'
import { prunedResult } from '../masks.ts'
import type { PruningPlan, PruningRequest } from '../method.ts'
import { withRefresh } from '../refresh.ts'
import { drawSamples } from '../samples.ts'
import { compose, isStartName, usesGradients, walkOf } from './composition.ts'
import { pruneSecondOrder } from './driver.ts'
import { GradientCache } from './fisher/gradient-cache.ts'
import { planGradients } from './fisher/gradient-plan.ts'
import { GradientSource } from './fisher/gradients.ts'
import { MaskFile } from './mask-file.ts'
import type { SecondOrderMethod } from './names.ts'
import { usualPolish, withPolish } from './polish.ts'
import { sampleCounts } from './sample-counts.ts'
import type { SecondOrderSettings } from './settings.ts'
import { impliedDamping } from './usual-damping.ts'

/**
 * Throws UserError where the training set or memory is too small, layers or masks of a file do not fit the
 * method, or new statistics are asked for and there is no batch normalization.
 */
export async function secondOrderPlan(
  method: SecondOrderMethod,
  settings: SecondOrderSettings,
  request: PruningRequest,
): Promise<PruningPlan> {
  const { model, tensors, scope, seed, sparsities, nameOf, cache } = request
  const { stages, faithful = false, damp: lambda, start, search, update, flopsPower } = settings
  const { scale, firstOrder, updateEachPass, candidates, epsilon, rho, tau, passes, patience } = settings
  // Memory changes no result, and is nothing that a file says of itself.
  const { refreshBatchNorm, polish, memory, ...asked } = settings
  const composition = compose(method, settings)
  checkWindow(rho, request)
  if (method === 'kfac') checkLinear(request)
  const { samples, miniBatch, judge, overlap } = sampleCounts(method, composition, settings, request)
  const { blocks: fisher = method === 'kfac' || !isLinear(model) ? 'layer' : 'full' } = settings
  const needs = { samples, miniBatch, method, fisher, memory: memory && memory * 2 ** 30, walk: walkOf(composition) }
  const source = new GradientSource({
    tensors: tensors.map(({ name }) => name),
    samples,
    miniBatch,
    ...planGradients(model, tensors, needs, nameOf('samples')),
    cache: cache && new GradientCache(cache.folder, cache.notice),
  })
  const given = start === undefined || isStartName(start) ? undefined : (request.fileOf?.(start) ?? start)
  const file = given === undefined ? undefined : await MaskFile.read(given, model, tensors, nameOf('start'))
  const draw = (training: number) =>
    drawSamples(training, { gradients: samples * miniBatch, judge, seed, faithful, overlap })
  const plan: PruningPlan = {
    settings: {
      ...asked,
      samples,
      miniBatch,
      blocks: fisher,
      damp: lambda ?? impliedDamping(method, composition, { fisher, faithful }),
      stages,
      judge,
      faithful,
    },
    network: { programs: source.programs, judged: judge, kernels: 'dense' },
    budgets: request.flops !== undefined || request.sparsities !== undefined,
    prune(network, event, _index, onProgress = () => {}) {
      const flops = flopsAt(event, request.flops)
      const training = network.indices.train
      const drawn = draw(training.length)
      const places = (list: Uint32Array) => list.map((i) => training[i])
      file?.check(
        tensors.map(({ name }) => network.values(name)),
        event.sparsity,
        faithful,
      )
      const { stages: reports, seconds } = pruneSecondOrder(network, source, {
        method,
        start: file?.masks ?? (isStartName(start) ? start : undefined),
        search,
        update,
        updateEachPass,
        sparsity: event.sparsity,
        sparsities: sparsities && tensors.map(({ name }) => event.at(sparsities.get(name)!)),
        flops,
        flopsPower,
        lambda,
        fisher,
        scope: scope === 'layerwise' ? scope : 'global',
        stages,
        scale,
        firstOrder: firstOrder === undefined ? undefined : firstOrder ? (faithful ? 1 : 'search') : 0,
        faithful,
        candidates,
        limits: { epsilon, rho, tau, passes, patience },
        seed,
        gradients: places(drawn.gradients),
        judge: places(drawn.judge),
        judgeStart: drawn.judgeStart && places(drawn.judgeStart),
        between: () => void refreshed.refresh?.(network, onProgress),
        onProgress,
      })
      const gradients = usesGradients(composition) ? reports.length * samples * miniBatch : 0
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
  const refresh = refreshBatchNorm ?? (faithful || request.trained ? 'none' : 'auto')
  const refreshed = withRefresh(plan, refresh, request, judging)
  const usual = faithful || request.trained || update === 'none' ? 0 : usualPolish(model)
  return withPolish(refreshed, polish, request, { usual, judging })
}

/** Further away than all weights there is no partner to look for. Throws UserError. */
function checkWindow(rho: number | undefined, { tensors, nameOf }: PruningRequest): void {
  const weights = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  if (rho !== undefined && rho > weights)
    throw new UserError(`${nameOf('rho')}: expected at most the ${grouped(weights)} prunable weights, found ${rho}`)
}

/** Kronecker factors are those of linear layers. Throws UserError. */
function checkLinear({ tensors, model }: PruningRequest): void {
  if (model.oneByOne)
    throw new UserError(`kfac: expected a network that computes samples together, found ${model.name} that does not`)
  const other = tensors.find(({ shape }) => shape.length !== 2)
  if (!other) return
  const { name, shape } = other
  const isProduct = shape.length === 4 && shape[2] === 1 && shape[3] === 1
  const found = isProduct
    ? `${name}, a matrix of ${shape[0]} outputs and ${shape[1]} inputs that multiplies at several places`
    : `${name} of shape [${shape}]`
  throw new UserError(`kfac: expected linear layers, found ${found}, whose gradients are sums over places`)
}
