/**
 * @file WoodFisher (Singh & Alistarh 2020): Optimal Brain Surgeon with the empirical Fisher matrix in place
 * of the Hessian. Removing weight q alone, and letting the others make up for it, costs w_q^2 / (2 A_qq) with
 * A = (lambda I + F)^-1.
 */
import type { Vector } from '../../../linear/vector.ts'
import type { BlockInverse } from '../fisher/inverse.ts'

/** rho_q = w_q^2 / A_qq, without the 1/2 (which changes no ranking). */
export function woodfisherSaliency(weights: Vector, diagonal: Float64Array): Float64Array {
  return diagonal.map((a, q) => weights[q] ** 2 / (a + 1e-10) + 1e-10)
}

/**
 * The sum of the single-weight updates of the pruned weights, -A u with u_q = w_q / A_qq where `pruned` is
 * not 0: their interactions are ignored. One list per tensor of the inverse's block.
 */
export function woodfisherUpdate(
  inverse: BlockInverse,
  weights: readonly Vector[],
  diagonals: readonly Float64Array[],
  pruned: readonly ArrayLike<number>[],
): Float64Array[] {
  const u = diagonals.map((diagonal, t) => diagonal.map((a, q) => (pruned[t][q] === 0 ? 0 : weights[t][q] / a)))
  return inverse.apply(u).map((change) => change.map((value) => -value))
}
