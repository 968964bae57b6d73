/**
 * @file Pruning by stored values as methods are planned: the same weights go as without a network and data.
 */
import { loadMasks, weightsOf } from '../../train/checkpoint.ts'
import { prunedResult } from '../masks.ts'
import type { PruningPlan, PruningRequest } from '../method.ts'
import { withRefresh } from '../refresh.ts'
import { pruneStored, type StoredMethod } from './prune-stored.ts'

/**
 * `refresh`: training images that batch normalizations take new statistics from. Throws UserError as that
 * does.
 */
export function byValuePlan(method: StoredMethod, refresh: number | undefined, request: PruningRequest): PruningPlan {
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
  return withRefresh(plan, refresh, request)
}
