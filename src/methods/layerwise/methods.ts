/** @file The methods that prune layer by layer, without labels or gradients, by name. */
import type { Method } from '../method.ts'
import { type LayerwiseMethod, type LayerwiseSettings, layerwiseSettings } from './settings.ts'

const takes: readonly (keyof LayerwiseSettings)[] = ['samples', 'damp', 'stages', 'refreshBatchNorm', 'polish']

const methodOf = (name: LayerwiseMethod, { summary, scopes }: Pick<Method, 'summary' | 'scopes'>): Method => ({
  summary,
  scopes,
  section: 'layerwise',
  settings: layerwiseSettings,
  takes,
  ranked: false,
  flops: false,
  stored: false,
  prunable: 'published',
  async plan(settings, request) {
    const { layerwisePlan } = await import('./plan.ts')
    return layerwisePlan(name, layerwiseSettings.parse(settings), request)
  },
})

export const layerwise: Record<LayerwiseMethod, Method> = {
  obc: methodOf('obc', {
    summary: 'ExactOBS layer by layer from inputs, no labels (Frantar & Alistarh 2022)',
    scopes: ['global', 'layerwise', 'uniform', 'erk'],
  }),
  sparsegpt: methodOf('sparsegpt', {
    summary: 'one sweep over the columns of each layer, no labels (Frantar & Alistarh 2023)',
    scopes: ['global', 'layerwise', 'erk'],
  }),
}
