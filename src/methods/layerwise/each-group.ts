/** @file The groups of a layer, solved one by one: each keeps its share of what the layer does. */
import { apportion } from '../../select/apportion.ts'
import { type LayerProblem, type LayerSolution, leftOf } from './problem.ts'

/**
 * Solves the groups of a layer so that `keep` of its weights stay, all that are left where these are fewer.
 * Shares go by the sizes of groups, and none is more than a group has left.
 */
export function eachGroup(
  problems: readonly LayerProblem[],
  keep: number,
  solve: (problem: LayerProblem, target: { keep: number }) => LayerSolution,
): LayerSolution[] {
  const sizes = problems.map(({ weights }) => weights.length)
  const left = problems.map((problem) => leftOf([problem]))
  return apportion(Math.min(keep, leftOf(problems)), sizes, left).map((share, i) => solve(problems[i], { keep: share }))
}
