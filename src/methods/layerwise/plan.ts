/** @file Pruning layer by layer as methods are planned: how many images, and what happens at an event. */
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import type { PruningPlan, PruningRequest } from '../method.ts'
import { withRefresh } from '../refresh.ts'
import { usualSamples } from '../samples.ts'
import { usualPolish, withPolish } from '../second-order/polish.ts'
import { pruneObc, pruneSparseGpt } from './driver.ts'
import type { LayerwiseMethod, LayerwiseSettings } from './settings.ts'

/** Throws UserError where there are not as many training samples. */
export function layerwisePlan(
  method: LayerwiseMethod,
  { samples, damp, refreshBatchNorm, polish }: LayerwiseSettings,
  request: PruningRequest,
): PruningPlan {
  const { model, data, tensors, seed, nameOf } = request
  if (samples !== undefined && samples > data.samples)
    throw new UserError(
      `${nameOf('samples')}: expected no more than the ${grouped(data.samples)} training samples of ${data.name}, found ${grouped(samples)}`,
    )
  const images = samples ?? Math.max(1, Math.min(usualSamples(model, method), Math.floor(data.samples / 2)))
  const layers = tensors.map(({ name }) => name)
  // SparseGPT decides within a layer: equal shares would empty the small layers long before the large ones.
  const scope = method === 'sparsegpt' && request.scope === 'global' ? 'erk' : request.scope
  const plan: PruningPlan = {
    settings: { samples: images, damp, scope },
    network: { kernels: 'dense' },
    prune(network, { sparsity }, _index, progress = () => {}) {
      const started = performance.now()
      progress('layers', '', 0)
      const options = {
        sparsity,
        layers,
        samples: images,
        seed,
        ...(damp !== undefined && { damp }),
        progress: (layer: string, done: number, total: number) =>
          progress('layers', `${layer}, ${done} of ${total}`, done / total),
      }
      const result =
        method === 'obc'
          ? pruneObc(network, { ...options, scope })
          : pruneSparseGpt(network, { ...options, scope: scope === 'layerwise' ? scope : 'erk' })
      return { ...result, seconds: { layers: (performance.now() - started) / 1000 } }
    },
  }
  const refreshed = withRefresh(plan, refreshBatchNorm ?? (request.trained ? 'none' : 'auto'), request)
  return withPolish(refreshed, polish, request, { usual: request.trained ? 0 : usualPolish(model) })
}
