/**
 * @file All pruning methods by name: the one registry that recipes, `espalier prune`, sweeps, lists and the
 * library read. What makes networks sparse while they train has registries of its own, `rewiring/` and
 * `gsm/`.
 */
import { layerwise } from './layerwise/methods.ts'
import { scores } from './saliency/methods.ts'
import { secondOrder } from './second-order/methods.ts'

export const methods = { ...scores, ...secondOrder, ...layerwise }
export type MethodName = keyof typeof methods
