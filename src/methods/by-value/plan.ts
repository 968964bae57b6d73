/**
 * @file Pruning by stored values as methods are planned: the same weights go as without a network and data.
 */
import { loadMasks, weightsOf } from '../../train/checkpoint.ts'
import { withAfterwards } from '../afterwards.ts'
import { prunedResult } from '../masks.ts'
import type { PruningPlan, PruningRequest } from '../method.ts'
import type { ScoringSettings } from '../saliency/settings.ts'
import { pruneStored, type StoredMethod } from './prune-stored.ts'

type Afterwards = Pick<ScoringSettings, 'reconstruct' | 'refreshBatchNorm' | 'polish'>

/**
 * `afterwards`: whether batch normalizations take new statistics, and the weights that are left are updated.
 * Throws UserError as those do.
 */
export function byValuePlan(method: StoredMethod, afterwards: Afterwards, request: PruningRequest): PruningPlan {
  const { model, tensors, scope, seed } = request
  const plan: PruningPlan = {
    settings: {},
    network: {},
    prune(network, { sparsity }) {
      const started = performance.now()
      const names = tensors.map(({ name }) => name)
      const { file } = pruneStored(weightsOf(network), { method, sparsity, scope, tensors: names, seed })
      loadMasks(network, file, model.name)
      return { ...prunedResult(network), seconds: { pruning: (performance.now() - started) / 1000 } }
    },
  }
  return withAfterwards(plan, afterwards, request)
}
