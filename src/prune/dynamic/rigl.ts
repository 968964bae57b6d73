/**
 * @file RigL (Evci et al. 2020, arXiv 1911.11134): in every tensor the share f of the smallest |w| is taken away, and as many weights grow where the loss has the largest |gradient|,
 * just pruned places included. f falls like a cosine: alpha / 2 (1 + cos(pi t / T)).
 */
import type { Floats } from '../../engine/machine.ts'
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
        return { pruned, grown: largestGradients(gradient(layer.name), survivors(layer, pruned), pruned.length) }
      }),
  }
}

/** The `count` places with the largest |gradient| that are not taken (ascending), of equal ones the earlier; ascending. */
function largestGradients(gradient: Floats, taken: Int32Array, count: number): Int32Array {
  if (count === 0) return new Int32Array(0)
  const scores = Float32Array.from(gradient, (g) => -Math.abs(g))
  for (const position of taken) scores[position] = Number.POSITIVE_INFINITY
  // The threshold first: sorting every place would cost far more than looking at each.
  const least = scores.slice().sort()[count - 1]
  const grown: number[] = []
  let equal = count - scores.reduce((sum, s) => sum + (s < least ? 1 : 0), 0)
  scores.forEach((score, position) => {
    if (score < least || (score === least && equal-- > 0)) grown.push(position)
  })
  return Int32Array.from(grown)
}
