/**
 * @file Fisher pruner: F w^2 / 2, Optimal Brain Damage (LeCun et al. 1990) with the diagonal of the empirical
 * Fisher matrix for the Hessian's (Theis et al. 2018; arXiv 2502.11450).
 */
import type { Saliency } from './saliency.ts'

export const fisherPruner: Saliency<'squares'> = {
  summary: 'F w^2 / 2, F the Fisher diagonal (LeCun et al. 1990; Theis et al. 2018)',
  needs: ['squares'],
  score(layers) {
    for (const { weights, scores, squares } of layers)
      for (let i = 0; i < scores.length; i++) scores[i] = (squares[i] * weights[i] ** 2) / 2
  },
}
