/**
 * @file Magnitude: |w| (Janowsky 1989; Han et al. 2015). Needs no data. Under a budget of
 * multiply-adds the sum of w^2 counts (Meng et al. 2024).
 */
import type { Saliency } from './saliency.ts'

export const magnitude: Saliency = {
  summary: '|w| (Han et al. 2015)',
  summed: 'squares',
  score(layers) {
    for (const { weights, scores } of layers) for (let i = 0; i < weights.length; i++) scores[i] = Math.abs(weights[i])
  },
}
