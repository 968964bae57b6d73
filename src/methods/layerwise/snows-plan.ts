/** @file SNOWS as methods are planned: how many images, which dense network, and what happens at an event. */
import { readWeights } from '../../formats/weights-file.ts'
import { graphOf, type Model } from '../../models/model.ts'
import { storedValues } from '../../train/checkpoint.ts'
import { namedAs } from '../../train/layer-names.ts'
import type { PruningPlan, PruningRequest } from '../method.ts'
import { withRefresh } from '../refresh.ts'
import { usualPolish, withPolish } from '../second-order/polish.ts'
import { calibrationImages } from './plan.ts'
import type { LayerwiseSettings } from './settings.ts'
import { pruneSnows } from './snows.ts'

/**
 * Throws UserError where there are not as many training samples, or the file of the dense network is no such
 * file or holds another network.
 */
export async function snowsPlan(settings: LayerwiseSettings, request: PruningRequest): Promise<PruningPlan> {
  const { samples, damp, horizon, newtonSteps, cgIterations, refreshBatchNorm, polish } = settings
  const { model, tensors, scope, seed, trained } = request
  const images = calibrationImages(samples, request)
  const dense = settings.dense === undefined ? undefined : await denseWeights(settings.dense, model)
  const layers = tensors.map(({ name }) => name)
  const given = settings.dense === undefined ? {} : { dense: settings.dense }
  const plan: PruningPlan = {
    settings: { samples: images, damp, scope, horizon, newtonSteps, cgIterations, ...given },
    network: { kernels: 'dense' },
    prune(network, { sparsity }, _index, progress = () => {}) {
      const started = performance.now()
      progress('layers', '', 0)
      const numbers = { damp, horizon, newtonSteps, cgIterations }
      const result = pruneSnows(network, {
        ...numbers,
        sparsity,
        scope,
        layers,
        samples: images,
        seed,
        dense,
        progress: (layer, done, total) => progress('layers', `${layer}, ${done} of ${total}`, done / total),
      })
      return { ...result, seconds: { layers: (performance.now() - started) / 1000 } }
    },
  }
  const refreshed = withRefresh(plan, refreshBatchNorm ?? (trained ? 'none' : 'auto'), request)
  return withPolish(refreshed, polish, request, { usual: trained ? 0 : usualPolish(model) })
}

/** The parameters and buffers of a network as a file has them. Throws UserError where it does not. */
async function denseWeights(path: string, model: Model): Promise<Map<string, Float32Array>> {
  const { file } = namedAs(model, await readWeights(path))
  return new Map(
    graphOf(model)
      .stored()
      .map((tensor) => [tensor.name, storedValues(file, tensor, path)]),
  )
}
