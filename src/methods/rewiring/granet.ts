/**
 * @file GraNet (Liu et al. 2021, arXiv 2106.10404): gradual pruning with zero-cost neuroregeneration. While
 * the `prune` section of a recipe prunes the network on (cubic, the smallest |w| of all layers), this rule
 * regenerates at events, after what is pruned at the same step: in every tensor the share f of the smallest
 * |w| that are left is taken away, rounded up, and as many weights grow where the loss has the largest
 * |gradient|, just pruned places included. f falls like a cosine from the setting `fraction` to 0.005, as in
 * the published code. Where normalizations follow, |gradient| is relative to its row (row-normalized.ts),
 * unless `growth: gradient` says otherwise.
 */
import { z } from 'zod'
import { largest } from './largest.ts'
import { fraction, rewiringMethod, survivors } from './rewiring.ts'
import { growth, growthScores } from './row-normalized.ts'
import { smallest } from './smallest.ts'

/** f at the end. */
const LAST = 0.005

export const granet = rewiringMethod({
  summary: 'as rigl, beside gradual pruning: regeneration (Liu et al. 2021)',
  settings: z.object({ fraction: fraction(0.5), growth }),
  gradients: 'batch',
  gradual: true,
  make: ({ fraction, growth: kind }) => ({
    state: () => ({}),
    restore: () => {},
    event: (layers, context) => {
      const scores = growthScores(context, kind)
      const share = LAST + ((fraction - LAST) / 2) * (1 + Math.cos(Math.PI * context.elapsed))
      return layers.map((layer) => {
        const pruned = smallest(layer.values.map(Math.abs), Math.ceil(share * layer.values.length))
        return { pruned, grown: largest(scores(layer), survivors(layer, pruned), pruned.length) }
      })
    },
  }),
})
