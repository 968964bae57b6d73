/**
 * @file CBS-U, the systematic weight update (Yu et al. 2022, section 4.2): the change of the kept weights R
 * that makes up best for the pruned ones P, minimizing delta' (lambda I + F) delta with delta_P = -w_P. Two
 * forms of the same solution:
 * - kept: delta_R = (lambda I + F_RR)^-1 F_RP w_P, a system of order |R|;
 * - ridge: delta_R = G_R' (lambda N I + G_R G_R')^-1 v with v = G_P w_P, a system of order N. Away from a
 *   minimum the loss has a first-order term, g times the mean gradient in CHITA's model (chita.ts): it
 *   lessens v by g, so that the change is the one for g = 0 plus g times a descent step.
 */
import { type Factor, solveOne } from '../../linear/cholesky.ts'
import { floatRows, product } from '../../linear/product.ts'
import { dot, type Vector } from '../../linear/vector.ts'
import type { Matrix, Workspace } from '../../linear/workspace.ts'
import { activeWeights } from './fisher/gram.ts'
import { type Block, dampedFactor, gramOf, namesOf } from './fisher/inverse.ts'

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
  block: Block,
  weights: readonly Vector[],
  masks: readonly ArrayLike<number>[],
  lambdas: readonly number[],
): SystematicUpdate[] {
  const { samples, tensors } = block
  const v = new Float64Array(samples)
  tensors.forEach((tensor, t) => {
    tensor.combine(
      weights[t].map((w, q) => (masks[t][q] === 0 ? w : 0)),
      v,
    )
  })
  const kept = masks.map((mask) => activeWeights(mask.length, mask))
  const count = kept.reduce((sum, list) => sum + list.length, 0)
  const sides = [v, new Float64Array(samples).fill(-1)]
  const keptCost = samples * count * count + count ** 3 / 3
  const ridgeCost = samples * samples * count + samples ** 3 / 3
  const zero = () => tensors.map(({ size }) => new Float64Array(size))
  if (count === 0) return lambdas.map(() => ({ compensation: zero(), descent: zero() }))
  const form =
    count <= samples && keptCost <= ridgeCost
      ? keptForm(space, block, kept, count, sides, lambdas)
      : ridgeForm(space, block, masks, sides, lambdas)
  return form.map(([compensation, descent]) => ({ compensation, descent }))
}

/** One change per damping and right side. */
function keptForm(
  space: Workspace,
  { samples, tensors }: Block,
  kept: Int32Array[],
  count: number,
  sides: readonly Float64Array[],
  lambdas: readonly number[],
) {
  return space.scoped(() => {
    const offset = space.take(count * samples)
    const columns = Array.from({ length: count }, (_, r) => space.floats(offset + r * samples, samples))
    let at = 0
    tensors.forEach((tensor, t) => {
      for (const q of kept[t]) tensor.column(q, columns[at++])
    })
    // N times the system, which has the same solution.
    const h = space.matrix(count, count)
    const lines = floatRows(offset, count, samples)
    space.run([product(h, lines, lines, { lower: true })])
    const shifts = lambdas.map((lambda) => lambda * samples)
    return eachFactor(space, h, shifts, `${count} kept weights`, (factor) =>
      sides.map((v) => {
        const right = Float64Array.from(columns, (column) => dot(column, v))
        const solution = solveOne(space, factor, right)
        let next = 0
        return tensors.map((tensor, t) => {
          const delta = new Float64Array(tensor.size)
          for (const q of kept[t]) delta[q] = solution[next++]
          return delta
        })
      }),
    )
  })
}

function ridgeForm(
  space: Workspace,
  block: Block,
  masks: readonly ArrayLike<number>[],
  sides: readonly Float64Array[],
  lambdas: readonly number[],
) {
  return space.scoped(() => {
    const shifts = lambdas.map((lambda) => lambda * block.samples)
    return eachFactor(space, gramOf(space, block, masks), shifts, namesOf(block), (factor) =>
      sides.map((v) => {
        const y = solveOne(space, factor, v)
        return block.tensors.map((tensor, t) => {
          const delta = new Float64Array(tensor.size)
          tensor.correlate(y, delta)
          return delta.map((value, q) => (masks[t][q] === 0 ? 0 : value))
        })
      }),
    )
  })
}

/** What `solve` makes of the factors of shift I + matrix, one after the other; the matrix is lost. */
function eachFactor<T>(
  space: Workspace,
  matrix: Matrix,
  shifts: readonly number[],
  what: string,
  solve: (factor: Factor) => T,
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
