/**
 * @file Fisher brain surgeon sensitivity (arXiv 2502.11450): B F / 2 (w - g / (B F))^2, B the size of a
 * mini-batch. The diagonal case of the Optimal Brain Surgeon with a first-order term, but for a constant that
 * all weights share. Where F is 0 all gradients are 0, and so is the score here; the reference's code divides
 * 0 by 0 and keeps such weights first.
 */
import type { Saliency } from './saliency.ts'

export const fbss: Saliency<'gradient' | 'squares'> = {
  summary: 'B F (w - g / (B F))^2 / 2, F the Fisher diagonal (arXiv 2502.11450)',
  needs: ['gradient', 'squares'],
  score(layers, { miniBatch }) {
    for (const { weights, scores, gradient, squares } of layers)
      for (let i = 0; i < scores.length; i++) {
        const curvature = miniBatch * squares[i]
        scores[i] = curvature === 0 ? 0 : (curvature * (weights[i] - gradient[i] / curvature) ** 2) / 2
      }
  },
}
