/**
 * @file RigL (Evci et al. 2020, arXiv 1911.11134): in every tensor the share f of the smallest |w| is taken
 * away, and as many weights grow where the loss has the largest |gradient|, just pruned places included. f
 * falls like a cosine: alpha / 2 (1 + cos(pi t / T)), from the setting `fraction`, alpha. Where
 * normalizations follow, |gradient| is relative to its row (row-normalized.ts), unless `growth: gradient`
 * says otherwise.
 */
import { z } from 'zod'
import { largest } from './largest.ts'
import { fraction, rewiringMethod, survivors } from './rewiring.ts'
import { growth, growthScores } from './row-normalized.ts'
import { smallest } from './smallest.ts'

export const rigl = rewiringMethod({
  summary: 'smallest |w| of every tensor, regrown at the largest gradients (Evci et al. 2020)',
  settings: z.object({ fraction: fraction(0.3), growth }),
  gradients: 'batch',
  make: ({ fraction, growth: kind }) => ({
    state: () => ({}),
    restore: () => {},
    event: (layers, context) => {
      const scores = growthScores(context, kind)
      return layers.map((layer) => {
        const share = (fraction / 2) * (1 + Math.cos(Math.PI * context.elapsed))
        const pruned = smallest(layer.values.map(Math.abs), Math.floor(share * layer.values.length))
        return { pruned, grown: largest(scores(layer), survivors(layer, pruned), pruned.length) }
      })
    },
  }),
})
