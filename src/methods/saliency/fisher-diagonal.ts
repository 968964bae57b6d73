/**
 * @file Fisher diagonal: F_qq, the mean square of gradients (arXiv 2502.11450). With mini-batches of one
 * sample F is the empirical Fisher matrix.
 */
import type { Saliency } from './saliency.ts'

export const fisherDiagonal: Saliency<'squares'> = {
  summary: 'F, the diagonal of the empirical Fisher matrix (arXiv 2502.11450)',
  needs: ['squares'],
  score(layers) {
    for (const { scores, squares } of layers) scores.set(squares)
  },
}
