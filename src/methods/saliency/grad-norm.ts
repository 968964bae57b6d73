/**
 * @file Gradient norm: |g|, g the mean gradient. Not a norm over samples: opposite gradients of two samples
 * cancel before the absolute value is taken. A criterion that arXiv 2502.11450 compares with.
 */
import type { Saliency } from './saliency.ts'

export const gradNorm: Saliency<'gradient'> = {
  summary: '|g|, g the mean gradient (arXiv 2502.11450)',
  needs: ['gradient'],
  score(layers) {
    for (const { scores, gradient } of layers) for (let i = 0; i < scores.length; i++) scores[i] = Math.abs(gradient[i])
  },
}
