/**
 * @file Sparse networks from scratch, sparse momentum (Dettmers & Zettlemoyer 2019, arXiv 1907.04840): in
 * every tensor the share p of the smallest |w| is taken away; as many weights grow, each tensor getting its
 * part in proportion to m, the mean |momentum| of its weights, where the |momentum| is largest, just pruned
 * places included. p falls like a cosine from `fraction` to 0.005.
 *
 * Momentum is that of the dense gradient, smoothed at every step: it costs a dense gradient of every sparse
 * tensor per step, however sparse the network is.
 *
 * No tensor gets more than 99 % of its free places, unless all are that full; what is beyond goes to the
 * others in proportion too, where the published code shares it out evenly. A tensor with less than 20 % zeros
 * whose m is above average loses at most as large a share as it has zeros. A tensor keeps one weight at
 * least. Where normalizations follow, momentum is relative to its row (row-normalized.ts), for places and for
 * the parts of tensors, unless `growth: gradient` says otherwise.
 */
import { z } from 'zod'
import type { Floats } from '../../engine/machine.ts'
import { largest } from './largest.ts'
import { fraction, rewiringMethod, type SparseLayer, survivors } from './rewiring.ts'
import { growth, growthScores } from './row-normalized.ts'
import { apportionRuns } from './runs.ts'
import { smallest } from './smallest.ts'

/** p at the end. */
const LAST = 0.005
const FULLEST = 0.99
const NEARLY_DENSE = 0.2

export const snfs = rewiringMethod({
  summary: 'smallest |w| of every tensor, regrown by the momentum of dense gradients (Dettmers & Zettlemoyer 2019)',
  settings: z.object({ fraction: fraction(0.5), growth }),
  gradients: 'smoothed',
  make: ({ fraction, growth: kind }) => ({
    state: () => ({}),
    restore: () => {},
    event(layers, context) {
      const { elapsed, owed } = context
      const momentum = growthScores(context, kind)
      const share = LAST + ((fraction - LAST) / 2) * (1 + Math.cos(Math.PI * elapsed))
      const scores = layers.map(momentum)
      const means = layers.map((layer, i) => meanAt(scores[i], layer))
      const average = means.reduce((a, b) => a + b, 0) / layers.length
      const pruned = layers.map(({ size, values }, i) => {
        const zeros = 1 - values.length / size
        const rate = zeros < NEARLY_DENSE && means[i] > average ? Math.min(zeros, share) : share
        return smallest(values.map(Math.abs), Math.min(Math.ceil(rate * values.length), values.length - 1))
      })
      const lengths = layers.map(({ length }) => length)
      const weights = (places: readonly number[]) => places.reduce((sum, count, i) => sum + count * lengths[i], 0)
      const total = owed + weights(pruned.map(({ length }) => length))
      const free = layers.map(({ size, values }, i) => size - values.length + pruned[i].length)
      const most = free.map((places) => Math.floor(FULLEST * places))
      const counts = apportionRuns(total, means, weights(most) >= total ? most : free, lengths)
      return layers.map((layer, i) => ({
        pruned: pruned[i],
        grown: largest(scores[i], survivors(layer, pruned[i]), counts[i]),
      }))
    },
  }),
})

/** Mean |value| at the places that hold a weight; 0 where there are none. */
const meanAt = (values: Floats, { positions }: SparseLayer): number =>
  positions.reduce((sum, position) => sum + Math.abs(values[position]), 0) / Math.max(positions.length, 1)
