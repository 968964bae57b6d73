/**
 * @file N:M: of every M inputs of an output that lie side by side at most the N with the largest scores are
 * kept (2:4 is what sparse tensor cores multiply fast; Mishra et al. 2021). Inputs of a convolution lie in
 * the order channel, row, column, as in the layer-wise methods, and it has the pattern along that order
 * (`N:M`), or at each place of the kernel along the channels alone (`N:M-channels`), which is where compilers
 * for sparse tensor cores look for it. The sparsity still counts: of the weights that the pattern leaves,
 * those with the largest scores are kept, so a sparsity up to 1 - N / M is met by the pattern alone. A tensor
 * that has a sparsity of its own, and that is 0, stays as it is.
 */
import { sizeOf } from '../../graph/tensor.ts'
import type { MaskedLayer } from '../mask.ts'
import type { Granularity } from './granularity.ts'
import { weight } from './weight.ts'

/** At most n nonzeros in every m consecutive inputs. */
export interface Pattern {
  n: number
  m: number
}

/** Along which order of its inputs an output has the pattern. */
export type Along = 'inputs' | 'channels'

export const nOfM = ({ n, m }: Pattern, along: Along = 'inputs'): Granularity => ({
  summary: `at most ${n} of every ${m} consecutive ${along === 'inputs' ? 'inputs' : 'input channels'} of an output`,
  write(layers, budget) {
    for (const layer of layers) if (!budget.scope.isDense?.(layer.name)) restrict(layer, { n, m }, along)
    weight.write(layers, budget)
  },
})

/**
 * Removes all but the best n of every m inputs; a last group of fewer than m keeps up to n too. Scales of
 * channels have no inputs and are left alone.
 */
function restrict({ shape, scores, mask }: MaskedLayer, { n, m }: Pattern, along: Along): void {
  if (shape.length < 2) return
  const columns = sizeOf(shape) / shape[0]
  const step = along === 'channels' ? sizeOf(shape.slice(2)) : 1
  const inputs = columns / step
  for (let row = 0; row < scores.length; row += columns)
    for (let place = 0; place < step; place++)
      for (let from = 0; from < inputs; from += m) {
        const group = Array.from({ length: Math.min(m, inputs - from) }, (_, i) => row + place + (from + i) * step)
        for (const i of group.sort((a, b) => scores[b] - scores[a] || a - b).slice(n)) {
          mask[i] = 0
          scores[i] = Number.NEGATIVE_INFINITY
        }
      }
}
