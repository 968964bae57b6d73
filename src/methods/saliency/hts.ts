/**
 * @file Hutchinson-Taylor sensitivity (arXiv 2502.11450 v2): |± w g + h w^2 / 2|, h Hutchinson's estimate of
 * the Hessian's diagonal; both with logits / 200. The sign is + in the reference's code, - in the expansion
 * of the loss.
 */
import type { Saliency } from './saliency.ts'

export const hts: Saliency<'gradient' | 'hessianDiagonal'> = {
  summary: '|w g + h w^2 / 2|, h as hutch-diag, logits / 200 (arXiv 2502.11450 v2)',
  needs: ['gradient', 'hessianDiagonal'],
  temperature: 200,
  sign: 1,
  score(layers, { sign }) {
    for (const { weights, scores, gradient, hessianDiagonal } of layers)
      for (let i = 0; i < scores.length; i++)
        scores[i] = Math.abs(sign * weights[i] * gradient[i] + (hessianDiagonal[i] * weights[i] ** 2) / 2)
  },
}
