/** @file The methods that prune by scores: one for every saliency, by its name. */
import type { ScopeName } from '../../sparsity/scope.ts'
import { isStored } from '../by-value/removals.ts'
import type { Method } from '../method.ts'
import { type SaliencyName, saliencies, saliencyOf } from './index.ts'
import { checkTogether, measuringKeys, scoringSettings } from './settings.ts'

const allScopes: readonly ScopeName[] = ['global', 'layerwise', 'uniform', 'erk']

function byScores(name: SaliencyName): Method {
  const saliency = saliencyOf(name)
  return {
    summary: saliency.summary,
    section: 'scoring',
    settings: scoringSettings,
    takes: [...measuringKeys(saliency), 'reconstruct', 'refreshBatchNorm', 'polish'],
    scopes: allScopes,
    ranked: true,
    sparsities: true,
    flops: true,
    stored: isStored(name),
    prunable: 'all',
    check: (settings, nameOf) => checkTogether(scoringSettings.parse(settings), nameOf),
    async plan(settings, request) {
      const { scoresPlan } = await import('./plan.ts')
      return scoresPlan(name, scoringSettings.parse(settings), request)
    },
  }
}

export const scores = Object.fromEntries(
  (Object.keys(saliencies) as SaliencyName[]).map((name) => [name, byScores(name)]),
) as Readonly<Record<SaliencyName, Method>>
