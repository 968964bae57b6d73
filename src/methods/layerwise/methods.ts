/** @file The methods that prune layer by layer, without labels or gradients, by name. */
import type { Method } from '../method.ts'
import { type LayerwiseMethod, type LayerwiseSettings, layerwiseSettings } from './settings.ts'

type Taken = readonly (keyof LayerwiseSettings)[]

const always: Taken = ['samples', 'refreshBatchNorm', 'polish']

const methodOf = (
  name: LayerwiseMethod,
  own: Taken,
  { summary, scopes }: Pick<Method, 'summary' | 'scopes'>,
): Method => ({
  summary,
  scopes,
  section: 'layerwise',
  settings: layerwiseSettings,
  takes: [...always, ...own],
  ranked: false,
  sparsities: name !== 'snows',
  flops: false,
  stored: false,
  prunable: 'published',
  async plan(settings, request) {
    const found = layerwiseSettings.parse(settings)
    if (name === 'snows') return (await import('./snows-plan.ts')).snowsPlan(found, request)
    return (await import('./plan.ts')).layerwisePlan(name, found, request)
  },
})

export const layerwise: Record<LayerwiseMethod, Method> = {
  obc: methodOf('obc', ['damp', 'stages'], {
    summary: 'ExactOBS layer by layer from inputs, no labels (Frantar & Alistarh 2022)',
    scopes: ['global', 'layerwise', 'uniform', 'erk'],
  }),
  sparsegpt: methodOf('sparsegpt', ['damp', 'stages'], {
    summary: 'one sweep over the columns of each layer, no labels (Frantar & Alistarh 2023)',
    scopes: ['global', 'layerwise', 'erk'],
  }),
  wanda: methodOf('wanda', ['stages'], {
    summary: '|w| times the norm of its input, within each output, no labels (Sun et al. 2024)',
    scopes: ['global', 'layerwise', 'erk'],
  }),
  ria: methodOf('ria', ['stages'], {
    summary: 'shares of |w| in its input and output, times the root of the norm (Zhang et al. 2024)',
    scopes: ['global', 'layerwise', 'erk'],
  }),
  alps: methodOf('alps', ['damp', 'stages'], {
    summary: 'operator splitting and conjugate gradients layer by layer, no labels (Meng et al. 2024)',
    scopes: ['global', 'layerwise', 'erk'],
  }),
  snows: methodOf('snows', ['damp', 'horizon', 'newtonSteps', 'cgIterations', 'dense'], {
    summary: 'magnitude, then activations K steps on kept by Newton steps (Lucas & Mazumder 2024)',
    scopes: ['global', 'layerwise', 'uniform', 'erk'],
  }),
}
