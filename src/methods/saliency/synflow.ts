/**
 * @file SynFlow (Tanaka et al. 2020): |w dR/dw|, R the sum of outputs for an input of ones where every
 * parameter is replaced by its absolute value. Needs no data. In 100 rounds, each at d^(t/100) of the
 * weights, it empties no layer before it must: the scores of every layer sum to R where nothing is added (no
 * bias).
 */
import type { Saliency } from './saliency.ts'

export const synflow: Saliency<'flow'> = {
  summary: '|w dR/dw| in 100 rounds, R the sum of outputs for ones and |w| (Tanaka et al. 2020)',
  needs: ['flow'],
  rounds: { count: 100, returning: false },
  score(layers) {
    for (const { weights, scores, flow } of layers)
      for (let i = 0; i < scores.length; i++) scores[i] = Math.abs(weights[i] * flow[i])
  },
}
