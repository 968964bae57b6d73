/** @file The methods that prune by second derivatives of a trained network, by name. */
import type { Method } from '../method.ts'
import { knowsFlops, type SecondOrderMethod, secondOrderMethods } from './options.ts'
import { secondOrderSettings } from './settings.ts'

const always = ['samples', 'miniBatch', 'memory', 'stages', 'judge', 'faithful', 'refreshBatchNorm', 'polish'] as const
const searching = ['candidates', 'epsilon', 'rho', 'tau', 'passes', 'patience'] as const
const takes: Record<SecondOrderMethod, readonly (keyof typeof secondOrderSettings.shape)[]> = {
  magnitude: ['samples', 'miniBatch', 'judge', 'faithful', 'refreshBatchNorm', 'polish'],
  obd: [...always, 'damp'],
  woodfisher: [...always, 'blocks', 'damp'],
  'cbs-select': [...always, ...searching, 'blocks'],
  'cbs-update': [...always, 'blocks', 'damp'],
  cbs: [...always, ...searching, 'blocks', 'damp'],
  chita: [...always, 'blocks', 'damp'],
  falcon: [...always, 'blocks', 'damp'],
}

/**
 * Those that choose weights by saliencies, which may compete within tensors; others search over all weights.
 */
const bySaliencies: readonly SecondOrderMethod[] = ['magnitude', 'obd', 'woodfisher', 'cbs-update']

const methodOf = (name: SecondOrderMethod): Method => ({
  summary: secondOrderMethods[name],
  section: 'secondOrder',
  settings: secondOrderSettings,
  takes: takes[name],
  scopes: bySaliencies.includes(name) ? ['global', 'layerwise'] : ['global'],
  ranked: false,
  flops: knowsFlops(name),
  stored: false,
  prunable: 'published',
  async plan(settings, request) {
    const { secondOrderPlan } = await import('./plan.ts')
    return secondOrderPlan(name, secondOrderSettings.parse(settings), request)
  },
})

export const secondOrder = {
  obd: methodOf('obd'),
  woodfisher: methodOf('woodfisher'),
  'cbs-select': methodOf('cbs-select'),
  'cbs-update': methodOf('cbs-update'),
  cbs: methodOf('cbs'),
  chita: methodOf('chita'),
  falcon: methodOf('falcon'),
}

/**
 * |w| with samples and counts as in the published code of second-order pruning: the control beside its
 * methods.
 */
export const faithfulMagnitude: Method = methodOf('magnitude')
