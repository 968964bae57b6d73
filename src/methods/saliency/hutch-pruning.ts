/**
 * @file Hutchinson pruning (arXiv 2502.11450 v2): h w^2 / 2, Optimal Brain Damage (LeCun et al. 1990) with
 * Hutchinson's estimate of the Hessian's diagonal.
 */
import type { Saliency } from './saliency.ts'

export const hutchPruning: Saliency<'hessianDiagonal'> = {
  summary: "h w^2 / 2, h Hutchinson's estimate of the Hessian's diagonal, logits / 200 (arXiv 2502.11450 v2)",
  needs: ['hessianDiagonal'],
  temperature: 200,
  score(layers) {
    for (const { weights, scores, hessianDiagonal } of layers)
      for (let i = 0; i < scores.length; i++) scores[i] = (hessianDiagonal[i] * weights[i] ** 2) / 2
  },
}
