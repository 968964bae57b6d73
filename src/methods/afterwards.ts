/**
 * @file What follows pruning by scores, which changes no weight that stays: statistics, scales and updates.
 */
import { hasBatchNorm } from '../train/refresh-batch-norm.ts'
import type { PruningPlan, PruningRequest } from './method.ts'
import { withRefresh } from './refresh.ts'
import { withRepair } from './repair.ts'
import { withPolish } from './second-order/polish.ts'
import type { Refresh } from './settings.ts'

/**
 * The plan with new statistics of batch normalizations, or where there are none with new scales of outputs,
 * and with updates where they are asked for. Throws UserError as those do.
 */
export function withAfterwards(
  plan: PruningPlan,
  { refreshBatchNorm, polish }: { refreshBatchNorm?: Refresh; polish?: number },
  request: PruningRequest,
): PruningPlan {
  const refresh = refreshBatchNorm ?? (request.trained ? 'none' : 'auto')
  const repaired = refresh === 'auto' && !hasBatchNorm(request.model) && request.data.samples >= 2
  const refreshed = repaired ? withRepair(plan, request) : withRefresh(plan, refresh, request)
  return withPolish(refreshed, polish, request)
}
