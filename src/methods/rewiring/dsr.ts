/**
 * @file Dynamic sparse reparameterization (Mostafa & Wang 2019, arXiv 1902.05967): weights smaller than one
 * threshold for all tensors are taken away, and as many grow, each tensor getting its part in proportion to
 * the weights that it has left. The threshold H is doubled where too few fell below it, halved where too many
 * did, so that about K move at every event. A tensor keeps one weight at least; places that were just pruned
 * grow again only where there are no others. Without `reallocate` every tensor grows as many as it loses.
 */
import { z } from 'zod'
import { growInLayer } from './growth.ts'
import { freeOf, growthInProportion } from './in-proportion.ts'
import { drawn, type NewWeights, newWeights, type Rewiring, rewiringMethod, survivors } from './rewiring.ts'

export const dsr = rewiringMethod({
  summary: 'dynamic sparse reparameterization: one threshold, weights go where weights stay (Mostafa & Wang 2019)',
  settings: z.object({
    moves: z.int().min(1).describe('K: weights that should move at an event'),
    tolerance: z
      .number()
      .positive()
      .default(0.1)
      .describe('how far from K, as a share of it, the threshold stays as it is (0.1)'),
    threshold: z.number().positive().default(1e-3).describe('H at the first event (1e-3)'),
    reallocate: z
      .boolean()
      .default(true)
      .describe('whether weights move between tensors; otherwise each grows as many as it loses'),
    newWeights,
    faithful: z
      .boolean()
      .default(false)
      .describe('times, counts and momentum as in the published code, for comparisons; only on dense kernels'),
  }),
  make: reparameterization,
})

interface DsrSettings {
  moves: number
  tolerance: number
  threshold: number
  reallocate: boolean
  newWeights: NewWeights
  faithful: boolean
}

/**
 * `faithful`: places are counted, not weights; what grows is divided as in growth-as-coded.ts, and never
 * where something was just pruned.
 */
function reparameterization(settings: DsrSettings): Rewiring {
  const { moves: target, tolerance, threshold: first, reallocate, faithful } = settings
  let threshold = first
  return {
    drawn: drawn(settings),
    event(layers, { draw, owed }) {
      const pruned = layers.map(({ values }) => {
        const small: number[] = []
        for (let e = 0; e < values.length; e++) if (Math.abs(values[e]) < threshold) small.push(e)
        return Int32Array.from(small.length === values.length ? small.slice(1) : small)
      })
      const total = pruned.reduce((sum, { length }, i) => sum + (faithful ? length : length * layers[i].length), 0)
      const free = freeOf(layers)
      const counts = reallocate
        ? growthInProportion(layers, pruned, { draw, owed }, faithful)
        : pruned.map(({ length }, i) => (faithful ? Math.min(length, free[i]) : length))
      const moves = layers.map((layer, i) => {
        const taken = free[i] >= counts[i] ? layer.positions : survivors(layer, pruned[i])
        return { pruned: pruned[i], grown: growInLayer(draw(layer.name), layer, taken, counts[i]) }
      })
      if (total > (1 + tolerance) * target) threshold /= 2
      else if (total < (1 - tolerance) * target) threshold *= 2
      return moves
    },
    state: () => ({ threshold }),
    restore: (state) => {
      threshold = state.threshold
    },
  }
}
