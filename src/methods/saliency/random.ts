/**
 * @file Random: uniform scores, so every set of the right size is equally likely. The control of every
 * comparison.
 */
import type { Saliency } from './saliency.ts'

export const randomSaliency: Saliency = {
  summary: 'uniform random scores: the control',
  score(layers, { draw }) {
    for (const { name, scores } of layers) {
      const stream = draw(name)
      for (let i = 0; i < scores.length; i++) scores[i] = stream.uniform()
    }
  },
}
