/**
 * @file From scores to masks: at any granularity, within any scope.
 */
import type { Floats } from '../engine/machine.ts'
import { UserError } from '../util/errors.ts'
import type { Budget, Granularity } from './granularity/granularity.ts'
import { weight } from './granularity/weight.ts'
import { countKept, type MaskedLayer } from './mask.ts'

/**
 * Lowers masks to the top scores of every group of the scope, by default weight by weight and exactly as many
 * as it says, ties by layer and index. A weight that the present mask has removed stays removed: a group with
 * fewer weights left than that keeps them all. Throws UserError, naming the tensor, where a score is not
 * finite; no mask has changed then. Scores may be overwritten.
 */
export function writeMasks(layers: readonly MaskedLayer[], budget: Budget, granularity: Granularity = weight): void {
  for (const { name, scores, mask } of layers) {
    countKept(mask)
    const at = firstNotFinite(scores)
    if (at >= 0) throw new UserError(`the score of ${name}[${at}] is ${scores[at]}: nothing was pruned`)
  }
  for (const { scores, mask } of layers) exclude(scores, mask)
  granularity.write(layers, budget)
}

/** Its index, or -1. Zero times a number that is not finite is NaN: this takes no branch for every score. */
function firstNotFinite(scores: Floats): number {
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += 0 * scores[i]
  return sum === 0 ? -1 : scores.findIndex((score) => !Number.isFinite(score))
}

function exclude(scores: Floats, mask: Floats): void {
  for (let i = 0; i < scores.length; i++) if (mask[i] === 0) scores[i] = Number.NEGATIVE_INFINITY
}
