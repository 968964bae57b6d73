/**
 * @file Iter-SNIP (de Jorge et al. 2021): SNIP again and again at growing sparsity; what is removed stays
 * removed.
 */
import type { Saliency } from './saliency.ts'
import { snip } from './snip.ts'

export const iterSnip: Saliency<'gradient'> = {
  ...snip,
  summary: '|w g| in 10 rounds, what is removed stays removed (de Jorge et al. 2021)',
  rounds: { count: 10, returning: false },
}
