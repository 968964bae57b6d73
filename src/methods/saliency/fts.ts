/**
 * @file Fisher-Taylor sensitivity (arXiv 2502.11450): |± w g + B F w^2 / 2|, B the size of a mini-batch,
 * which scales the square of its mean gradient to that of single samples. Removing a weight changes the loss
 * by - w g + F w^2 / 2; the reference's code has +, the default here.
 */
import type { Saliency } from './saliency.ts'

export const fts: Saliency<'gradient' | 'squares'> = {
  summary: '|w g + B F w^2 / 2|, F the Fisher diagonal (arXiv 2502.11450)',
  needs: ['gradient', 'squares'],
  sign: 1,
  score(layers, { miniBatch, sign }) {
    for (const { weights, scores, gradient, squares } of layers)
      for (let i = 0; i < scores.length; i++)
        scores[i] = Math.abs(sign * weights[i] * gradient[i] + (miniBatch * squares[i] * weights[i] ** 2) / 2)
  },
}
