/** @file Pruning layer by layer as methods are planned: how many images, and what happens at an event. */
import { sizeOf } from '../../graph/tensor.ts'
import { patternOf } from '../../sparsity/granularity/index.ts'
import type { Scope } from '../../sparsity/scope.ts'
import { tensorwise } from '../../sparsity/sparsities.ts'
import { isLinear } from '../../sparsity/tensors.ts'
import type { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import type { PruningPlan, PruningProgress, PruningRequest } from '../method.ts'
import { withRefresh } from '../refresh.ts'
import { usualSamples } from '../samples.ts'
import { polishedPlan, polisherFor, usualPolish } from '../second-order/polish.ts'
import { pruneObc } from './driver.ts'
import { pruneInSequence } from './in-sequence.ts'
import type { LayerwiseMethod, LayerwiseSettings } from './settings.ts'

/** Throws UserError where there are not as many training samples. */
export function layerwisePlan(
  method: Exclude<LayerwiseMethod, 'snows'>,
  { samples, damp = 0.01, stages, refreshBatchNorm, polish }: LayerwiseSettings,
  request: PruningRequest,
): PruningPlan {
  const { model, tensors, left, seed, sparsities } = request
  const size = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const images = calibrationImages(samples, request)
  const layers = tensors.map(({ name }) => name)
  // Others than OBC decide within a layer: equal shares would empty the small ones long before the large
  // ones.
  const scope = method !== 'obc' && request.scope === 'global' ? 'erk' : request.scope
  const pattern = patternOf(request.masks?.granularity ?? 'weight')
  if (pattern && (stages ?? 1) > 1)
    throw new UserError(`${request.nameOf('stages')}: a pattern is made at once, expected 1, found ${stages}`)
  const rounds = polish ?? (request.trained ? 0 : usualPolish(model))
  // Between stages there is more left than in the end.
  const most = left === undefined ? undefined : Math.max(left, Math.round(AT_ONCE * size))
  const staged = stages === undefined && method === 'obc' ? { ...request, left: most } : request
  const polisher = rounds > 0 || (stages ?? 1) > 1 ? polisherFor(staged, polish ?? stages) : undefined
  const alternates = method === 'obc' && polisher !== undefined && isLinear(model)
  const stagesFor = (density: number) => stages ?? (alternates ? usualStages(density) : 1)
  const step = (network: Network, sparsity: number, own: Scope | undefined, progress: PruningProgress) => {
    progress('layers', '', 0)
    const options = {
      layers,
      samples: images,
      seed,
      damp,
      progress: (layer: string, done: number, total: number) =>
        progress('layers', `${layer}, ${done} of ${total}`, done / total),
    }
    if (method === 'obc') return pruneObc(network, { ...options, sparsity, scope: own ?? scope })
    const usual = scope === 'layerwise' ? scope : ('erk' as const)
    return pruneInSequence(network, method, {
      ...options,
      ...(pattern ? { pattern } : { sparsity, scope: own ?? usual }),
    })
  }
  const plan: PruningPlan = {
    budgets: sparsities !== undefined,
    settings: { samples: images, damp, scope, stages: left === undefined ? stages : stagesFor(left / size) },
    network: { kernels: 'dense', ...polisher?.network({}) },
    prune(network, event, _index, progress = () => {}) {
      const started = performance.now()
      const finalOf = sparsities && ((name: string) => event.at(sparsities.get(name)!))
      const sparsity = finalOf
        ? tensors.reduce((sum, { name, shape }) => sum + finalOf(name) * sizeOf(shape), 0) / size
        : event.sparsity
      // Before the last stage every tensor has so much of its own sparsity as all together have of theirs.
      const ownAt = (reached: number) => finalOf && tensorwise((name) => (finalOf(name) * reached) / sparsity)
      const densities = densitiesOf(1 - sparsity, stagesFor(1 - sparsity))
      let gradients: number | undefined
      let updates = 0
      for (const density of densities.slice(0, -1)) {
        step(network, 1 - density, ownAt(1 - density), progress)
        const polished = polisher?.run(network, BETWEEN, progress)
        gradients = polished?.gradients
        updates += polished?.seconds ?? 0
      }
      const result = step(network, sparsity, finalOf && tensorwise(finalOf), progress)
      // Rounds at last count those between stages, too.
      return {
        ...result,
        ...(gradients && rounds === 0 && { gradients }),
        seconds: { layers: (performance.now() - started) / 1000 - updates, ...(updates > 0 && { updates }) },
      }
    },
  }
  const refreshed = withRefresh(plan, refreshBatchNorm ?? (request.trained ? 'none' : 'auto'), request)
  return polisher && rounds > 0 ? polishedPlan(refreshed, polisher, rounds) : refreshed
}

/** How many images calibrate. Throws UserError where there are not as many training samples. */
export function calibrationImages(
  samples: number | undefined,
  { model, data, nameOf }: Pick<PruningRequest, 'model' | 'data' | 'nameOf'>,
): number {
  if (samples !== undefined && samples > data.samples)
    throw new UserError(
      `${nameOf('samples')}: expected no more than the ${grouped(data.samples)} training samples of ${data.name}, found ${grouped(samples)}`,
    )
  return samples ?? Math.max(1, Math.min(usualSamples(model, 'once'), Math.floor(data.samples / 2)))
}

/** Rounds of updates between two stages. */
const BETWEEN = 4

/** With as much left, layer by layer is as good at once. */
const AT_ONCE = 0.1

/** Beyond a tenth of the weights a stage removes at most two fifths of what is left. */
const usualStages = (density: number): number =>
  density >= AT_ONCE ? 1 : 1 + Math.ceil(Math.log(density / AT_ONCE) / Math.log(0.6) - 1e-9)

/** The shares that stages leave, each the same share of those before, from a tenth or from all. */
function densitiesOf(density: number, stages: number): number[] {
  if (stages === 1 || density === 0) return [density]
  const from = density < AT_ONCE ? AT_ONCE : density ** (1 / stages)
  return Array.from({ length: stages }, (_, k) => from * (density / from) ** (k / (stages - 1)))
}
