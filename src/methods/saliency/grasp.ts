/**
 * @file GraSP (Wang et al. 2020): w (H g). Removing a weight changes |g|^2 by about - 2 w (H g); kept are
 * those whose removal would lessen it most, so that the gradient flow survives. H and g are over prunable
 * weights, logits are divided by 200 as in the authors' code, which calls - w (H g) the score and removes the
 * largest.
 */
import type { Saliency } from './saliency.ts'

export const grasp: Saliency<'hessianGradient'> = {
  summary: 'w (H g), logits / 200 (Wang et al. 2020)',
  needs: ['hessianGradient'],
  temperature: 200,
  score(layers) {
    for (const { weights, scores, hessianGradient } of layers)
      for (let i = 0; i < scores.length; i++) scores[i] = weights[i] * hessianGradient[i]
  },
}
