/**
 * @file WoodFisher (Singh & Alistarh 2020): Optimal Brain Surgeon with the empirical Fisher matrix in place
 * of the Hessian. Removing weight q alone, and letting the others make up for it, costs w_q^2 / (2 A_qq) with
 * A = (lambda I + F)^-1.
 *
 * WoodTaylor (there, too) keeps the first-order term g' delta of the loss, with the mean gradient g: then the
 * cost is (w_q - (A g)_q)^2 / (2 A_qq), but for a constant, and the step -A g - A e_q (w_q - (A g)_q) / A_qq.
 * It is WoodFisher's step, and a descent step beside it that does not move weight q.
 */
import type { Vector } from '../../../linear/vector.ts'
import type { BlockInverse } from '../fisher/inverse.ts'

/** What the authors' code adds to A_qq and to every saliency. */
const TINY = 1e-10

/**
 * rho_q = w_q^2 / (A_qq + 1e-10) + 1e-10 as in the authors' code: the paper's w_q^2 / (2 A_qq) without the
 * 1/2, which changes no ranking. A_qq is at least 1 / (lambda + F's largest eigenvalue), far above 1e-10.
 */
export function woodfisherSaliency(weights: Vector, diagonal: Float64Array): Float64Array {
  return diagonal.map((a, q) => weights[q] ** 2 / (a + TINY) + TINY)
}

/**
 * (w_q - (A g)_q)^2 / (2 A_qq), with A_qq + 1e-10 and 1e-10 more as in {@link woodfisherSaliency}.
 * `timesGradient`: A g.
 */
export function woodtaylorSaliency(weights: Vector, diagonal: Float64Array, timesGradient: Float64Array): Float64Array {
  return diagonal.map((a, q) => (weights[q] - timesGradient[q]) ** 2 / (2 * (a + TINY)) + TINY)
}

/**
 * What WoodTaylor's sum of single-weight updates has beside WoodFisher's: -A g + A u with u_q = (A g)_q /
 * A_qq where `pruned` is not 0.
 */
export function woodtaylorDescent(
  inverse: Pick<BlockInverse, 'apply'>,
  timesGradient: readonly Float64Array[],
  diagonals: readonly Float64Array[],
  pruned: readonly ArrayLike<number>[],
): Float64Array[] {
  const u = diagonals.map((diagonal, t) => diagonal.map((a, q) => (pruned[t][q] === 0 ? 0 : timesGradient[t][q] / a)))
  return inverse.apply(u).map((back, t) => back.map((value, q) => value - timesGradient[t][q]))
}

/**
 * The sum of the single-weight updates of the pruned weights, -A u with u_q = w_q / A_qq where `pruned` is
 * not 0 (nothing is added to A_qq here, as in the authors' code): their interactions are ignored. One list
 * per tensor of the inverse's block.
 */
export function woodfisherUpdate(
  inverse: Pick<BlockInverse, 'apply'>,
  weights: readonly Vector[],
  diagonals: readonly Float64Array[],
  pruned: readonly ArrayLike<number>[],
): Float64Array[] {
  const u = diagonals.map((diagonal, t) => diagonal.map((a, q) => (pruned[t][q] === 0 ? 0 : weights[t][q] / a)))
  return inverse.apply(u).map((change) => change.map((value) => -value))
}
