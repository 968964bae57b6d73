/**
 * @file What follows pruning by scores, which changes no weight that stays: statistics, scales and updates.
 */
import { hasBatchNorm } from '../train/refresh-batch-norm.ts'
import { UserError } from '../util/errors.ts'
import type { PruningPlan, PruningRequest } from './method.ts'
import { withReconstruction } from './reconstruct.ts'
import { withRefresh } from './refresh.ts'
import { withRepair } from './repair.ts'
import type { ScoringSettings } from './saliency/settings.ts'
import { withPolish } from './second-order/polish.ts'

/**
 * The plan with weights solved anew where channels went, with new statistics of batch normalizations, or
 * where there are none with new scales of outputs, and with updates where they are asked for. Throws
 * UserError as those do.
 */
export function withAfterwards(
  plan: PruningPlan,
  { reconstruct, refreshBatchNorm, polish }: Pick<ScoringSettings, 'reconstruct' | 'refreshBatchNorm' | 'polish'>,
  request: PruningRequest,
): PruningPlan {
  const reconstructs = reconstructsAfter(reconstruct, request)
  const solved = reconstructs ? withReconstruction(plan, request) : plan
  const refresh = refreshBatchNorm ?? (request.trained ? 'none' : 'auto')
  const repaired = refresh === 'auto' && !hasBatchNorm(request.model) && request.data.samples >= 2
  const refreshed = repaired ? withRepair(solved, request) : withRefresh(solved, refresh, request)
  return withPolish(refreshed, polish, request)
}

/** Throws UserError where reconstruction is asked for and no channels go. */
function reconstructsAfter(asked: ScoringSettings['reconstruct'], { masks, trained, data, nameOf }: PruningRequest) {
  const granularity = masks?.granularity ?? 'weight'
  if (granularity !== 'channel' && asked !== undefined)
    throw new UserError(
      `${nameOf('reconstruct')} is for whole channels, which layers lose as inputs: expected granularity channel, found ${granularity}`,
    )
  return granularity === 'channel' && data.samples >= 2 && (asked ?? (trained ? 'none' : 'auto')) === 'auto'
}
