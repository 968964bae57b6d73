/**
 * @file From scores to masks: at any granularity, within any scope.
 */
import { UserError } from '../util/errors.ts'
import type { Budget, Granularity } from './granularity/granularity.ts'
import { weight } from './granularity/weight.ts'
import { countKept, type MaskedLayer } from './mask.ts'

/**
 * Lowers masks to the top scores of every group of the scope, by default weight by weight and exactly as many as it says, ties by layer and index.
 * A weight that the present mask has removed stays removed: a group with fewer weights left than that keeps them all.
 * Throws UserError, naming the tensor, where a score is not finite; no mask has changed then. Scores may be overwritten.
 */
export function writeMasks(layers: readonly MaskedLayer[], budget: Budget, granularity: Granularity = weight): void {
  for (const { name, scores, mask } of layers) {
    countKept(mask)
    for (let i = 0; i < scores.length; i++)
      if (!Number.isFinite(scores[i]))
        throw new UserError(`the score of ${name}[${i}] is ${scores[i]}: nothing was pruned`)
  }
  for (const { scores, mask } of layers)
    for (let i = 0; i < scores.length; i++) if (mask[i] === 0) scores[i] = Number.NEGATIVE_INFINITY
  granularity.write(layers, budget)
}
