/**
 * @file CBS-U, the systematic weight update (Yu et al. 2022, section 4.2): the change of the kept weights R
 * that makes up best for the pruned ones P, minimizing delta' (lambda I + F) delta with delta_P = -w_P. Two
 * forms of the same solution:
 * - kept: delta_R = (lambda I + F_RR)^-1 F_RP w_P, a system of order |R|;
 * - ridge: delta_R = G_R' (lambda N I + G_R G_R')^-1 v with v = G_P w_P, a system of order N. Away from a
 *   minimum the loss has a first-order term, g times the mean gradient in CHITA's model (chita.ts): it
 *   lessens v by g, so that the change is the one for g = 0 plus g times a descent step.
 */
import { type CholeskyFactor, solveOne } from '../../linear/cholesky.ts'
import type { Vector } from '../../linear/vector.ts'
import type { Matrix, Workspace } from '../../linear/workspace.ts'
import { ActiveBlock } from './fisher/active-block.ts'
import { combine, correlate, namesOf } from './fisher/block.ts'
import type { GramBlock } from './fisher/columns.ts'
import { join, split } from './fisher/flat.ts'
import { gramMatrix, normalMatrix } from './fisher/gram.ts'
import { dampedFactor } from './fisher/inverse.ts'

export interface SystematicUpdate {
  /**
   * The change of every weight that makes up for the pruned ones, one list per tensor; 0 where they are (they
   * themselves are to be set to 0).
   */
  compensation: Float64Array[]
  /**
   * The change of every kept weight that lowers the loss to first order, -(lambda I + F_RR)^-1 times the mean
   * gradient (F's natural gradient).
   */
  descent: Float64Array[]
}

/**
 * Both parts of a block's update with each of some dampings, which share all but the factorization. Kept are
 * the weights whose `masks` are not 0.
 */
export function systematicUpdates(
  space: Workspace,
  block: GramBlock,
  weights: readonly Vector[],
  masks: readonly ArrayLike<number>[],
  lambdas: readonly number[],
): SystematicUpdate[] {
  const { samples } = block
  const removed = weights.map((list, t) => list.map((w, q) => (masks[t][q] === 0 ? w : 0)))
  const sides = [combine(block, removed), new Float64Array(samples).fill(-1)]
  const kept = new ActiveBlock(block, masks)
  const solutions =
    kept.size <= samples ? keptForm(space, kept, sides, lambdas) : ridgeForm(space, kept, sides, lambdas)
  return solutions.map((changes) => {
    const [compensation, descent] = changes.map((change) => kept.scatter(change))
    return { compensation, descent }
  })
}

/** The change of the kept weights for every right side v, with every damping. */
function keptForm(
  space: Workspace,
  kept: ActiveBlock,
  sides: readonly Float64Array[],
  lambdas: readonly number[],
): Float64Array[][][] {
  const sizes = kept.tensors.map(({ size }) => size)
  if (kept.size === 0) return lambdas.map(() => sides.map(() => sizes.map(() => new Float64Array(0))))
  const rights = sides.map((v) => join(correlate(kept, v)))
  return space.scoped(() => {
    // N times the system, which has the same solution.
    const h = normalMatrix(space, kept)
    const shifts = lambdas.map((lambda) => lambda * kept.samples)
    return eachFactor(space, h, shifts, `${kept.size} kept weights`, (factor) =>
      rights.map((right) => split(solveOne(space, factor, right), sizes)),
    )
  })
}

/** The same. */
function ridgeForm(
  space: Workspace,
  kept: ActiveBlock,
  sides: readonly Float64Array[],
  lambdas: readonly number[],
): Float64Array[][][] {
  return space.scoped(() => {
    const k = gramMatrix(space, kept)
    const shifts = lambdas.map((lambda) => lambda * kept.samples)
    return eachFactor(space, k, shifts, namesOf(kept), (factor) =>
      sides.map((v) => correlate(kept, solveOne(space, factor, v))),
    )
  })
}

/** What `solve` makes of the factors of shift I + matrix, one after the other; the matrix is lost. */
function eachFactor<T>(
  space: Workspace,
  matrix: Matrix,
  shifts: readonly number[],
  what: string,
  solve: (factor: CholeskyFactor) => T,
): T[] {
  return shifts.map((shift, i) =>
    space.scoped(() => {
      if (i === shifts.length - 1) return solve(dampedFactor(space, matrix, shift, what))
      const copy = space.matrix(matrix.rows, matrix.rows)
      space.values(copy).set(space.values(matrix))
      return solve(dampedFactor(space, copy, shift, what))
    }),
  )
}
