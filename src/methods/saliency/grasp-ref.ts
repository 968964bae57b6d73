/**
 * @file GraSP as the code of arXiv 2502.11450 has it: - w (H g), which keeps the weights that GraSP removes
 * first; g over all parameters, no temperature. For comparisons with numbers of that work; otherwise use
 * `grasp`.
 */
import type { Saliency } from './saliency.ts'

export const graspReference: Saliency<'hessianGradientOfAll'> = {
  summary: '- w (H g): GraSP with the sign of the code of arXiv 2502.11450',
  needs: ['hessianGradientOfAll'],
  score(layers) {
    for (const { weights, scores, hessianGradientOfAll } of layers)
      for (let i = 0; i < scores.length; i++) scores[i] = -weights[i] * hessianGradientOfAll[i]
  },
}
