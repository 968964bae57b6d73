/**
 * @file N:M: of every M consecutive inputs of an output at most the N with the largest scores are kept (2:4
 * is what sparse tensor cores multiply fast; Mishra et al. 2021). Inputs of a convolution lie in the order
 * channel, row, column, as in the layer-wise methods. The sparsity still counts: of the weights that the
 * pattern leaves, those with the largest scores are kept, so a sparsity up to 1 - N / M is met by the pattern
 * alone.
 */
import { sizeOf } from '../../graph/tensor.ts'
import type { MaskedLayer } from '../mask.ts'
import type { Granularity } from './granularity.ts'
import { weight } from './weight.ts'

/** At most n nonzeros in every m consecutive inputs of an output. */
export interface Pattern {
  n: number
  m: number
}

export const nOfM = ({ n, m }: Pattern): Granularity => ({
  summary: `at most ${n} of every ${m} consecutive inputs of an output`,
  write(layers, budget) {
    for (const layer of layers) restrict(layer, n, m)
    weight.write(layers, budget)
  },
})

/**
 * Removes all but the best n of every m inputs; a last group of fewer than m keeps up to n too. Scales of
 * channels have no inputs and are left alone.
 */
function restrict({ shape, scores, mask }: MaskedLayer, n: number, m: number): void {
  if (shape.length < 2) return
  const columns = sizeOf(shape) / shape[0]
  for (let row = 0; row < scores.length; row += columns)
    for (let from = 0; from < columns; from += m) {
      const places = Array.from({ length: Math.min(m, columns - from) }, (_, i) => row + from + i)
      for (const i of places.sort((a, b) => scores[b] - scores[a] || a - b).slice(n)) {
        mask[i] = 0
        scores[i] = Number.NEGATIVE_INFINITY
      }
    }
}
