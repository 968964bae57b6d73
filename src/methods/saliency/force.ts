/**
 * @file FORCE (de Jorge et al. 2021): SNIP again and again at growing sparsity; each round ranks all weights,
 * by their initial values and by gradients of the network that the round before left, so that removed weights
 * may come back.
 */
import type { Saliency } from './saliency.ts'
import { snip } from './snip.ts'

export const force: Saliency<'gradient'> = {
  ...snip,
  summary: '|w g| in 10 rounds, what is removed may come back (de Jorge et al. 2021)',
  rounds: { count: 10, returning: true },
}
