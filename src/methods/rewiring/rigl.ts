/**
 * @file RigL (Evci et al. 2020, arXiv 1911.11134): in every tensor the share f of the smallest |w| is taken
 * away, and as many weights grow where the loss has the largest |gradient|, just pruned places included. f
 * falls like a cosine: alpha / 2 (1 + cos(pi t / T)).
 */
import { largest } from './largest.ts'
import { type Rewiring, survivors } from './rewiring.ts'
import { smallest } from './smallest.ts'

export interface RiglOptions {
  /** alpha: share of the weights of every tensor that moves at the first event. Default 0.3. */
  fraction?: number
}

export function rigl({ fraction = 0.3 }: RiglOptions = {}): Rewiring {
  return {
    state: () => ({}),
    restore: () => {},
    event: (layers, { elapsed, gradient }) =>
      layers.map((layer) => {
        const share = (fraction / 2) * (1 + Math.cos(Math.PI * elapsed))
        const pruned = smallest(layer.values.map(Math.abs), Math.floor(share * layer.values.length))
        return { pruned, grown: largest(gradient(layer.name), survivors(layer, pruned), pruned.length) }
      }),
  }
}
