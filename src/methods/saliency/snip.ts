/**
 * @file SNIP (Lee et al. 2019): |w g|, how much the loss changes to first order where the weight is removed.
 * The paper divides by the sum over all weights, which changes no ranking. Theirs takes one mini-batch of 100
 * samples.
 */
import type { Saliency } from './saliency.ts'

export const snip: Saliency<'gradient'> = {
  summary: '|w g| (Lee et al. 2019)',
  needs: ['gradient'],
  score(layers) {
    for (const { weights, scores, gradient } of layers)
      for (let i = 0; i < scores.length; i++) scores[i] = Math.abs(weights[i] * gradient[i])
  },
}
