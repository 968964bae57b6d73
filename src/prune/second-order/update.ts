/**
 * @file CBS-U, the systematic weight update (Yu et al. 2022, section 4.2): the change of the kept weights R that makes up best for the pruned ones P, minimizing
 * delta' (lambda I + F) delta with delta_P = -w_P. Two forms of the same solution:
 * - kept: delta_R = (lambda I + F_RR)^-1 F_RP w_P, a system of order |R|;
 * - ridge: delta_R = G_R' (lambda N I + G_R G_R')^-1 v with v = G_P w_P, a system of order N.
 * Away from a minimum the loss has a first-order term, g times the mean gradient in CHITA's model (chita.ts): it lessens v by g, so that the change is the one
 * for g = 0 plus g times a descent step.
 */
import { solveOne } from '../../linear/cholesky.ts'
import { floatRows, product } from '../../linear/product.ts'
import { dot, type Vector } from '../../linear/vector.ts'
import type { Workspace } from '../../linear/workspace.ts'
import { activeWeights } from './gram.ts'
import { type Block, dampedFactor, dampedGram } from './inverse.ts'

export interface SystematicUpdate {
  /** The change of every weight that makes up for the pruned ones, one list per tensor; 0 where they are (they themselves are to be set to 0). */
  compensation: Float64Array[]
  /** The change of every kept weight that lowers the loss to first order, -(lambda I + F_RR)^-1 times the mean gradient (F's natural gradient). */
  descent: Float64Array[]
}

/** Both parts of a block's update, from one factorization. Kept are the weights whose `masks` are not 0. */
export function systematicUpdate(
  space: Workspace,
  block: Block,
  weights: readonly Vector[],
  masks: readonly ArrayLike<number>[],
  lambda: number,
): SystematicUpdate {
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
  const [compensation, descent] =
    count === 0
      ? sides.map(() => tensors.map(({ size }) => new Float64Array(size)))
      : count <= samples && keptCost <= ridgeCost
        ? keptForm(space, block, kept, count, sides, lambda)
        : ridgeForm(space, block, masks, sides, lambda)
  return { compensation, descent }
}

/** One change per right side. */
function keptForm(
  space: Workspace,
  { samples, tensors }: Block,
  kept: Int32Array[],
  count: number,
  sides: readonly Float64Array[],
  lambda: number,
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
    const factor = dampedFactor(space, h, lambda * samples, `${count} kept weights`)
    return sides.map((v) => {
      const right = Float64Array.from(columns, (column) => dot(column, v))
      const solution = solveOne(space, factor, right)
      let next = 0
      return tensors.map((tensor, t) => {
        const delta = new Float64Array(tensor.size)
        for (const q of kept[t]) delta[q] = solution[next++]
        return delta
      })
    })
  })
}

function ridgeForm(
  space: Workspace,
  block: Block,
  masks: readonly ArrayLike<number>[],
  sides: readonly Float64Array[],
  lambda: number,
) {
  return space.scoped(() => {
    const factor = dampedGram(space, block, lambda, masks)
    return sides.map((v) => {
      const y = solveOne(space, factor, v)
      return block.tensors.map((tensor, t) => {
        const delta = new Float64Array(tensor.size)
        tensor.correlate(y, delta)
        return delta.map((value, q) => (masks[t][q] === 0 ? 0 : value))
      })
    })
  })
}
