/**
 * @file Hutchinson diagonal (arXiv 2502.11450 v2): h, the Hessian's diagonal estimated by random signs z as
 * the mean of z (H z). Signed: the largest are kept.
 */
import type { Saliency } from './saliency.ts'

export const hutchDiag: Saliency<'hessianDiagonal'> = {
  summary: "h, the Hessian's diagonal by Hutchinson's estimate, logits / 200 (arXiv 2502.11450 v2)",
  needs: ['hessianDiagonal'],
  temperature: 200,
  score(layers) {
    for (const { scores, hessianDiagonal } of layers) scores.set(hessianDiagonal)
  },
}
