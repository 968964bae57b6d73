/**
 * @file CBS-U, the systematic weight update (Yu et al. 2022, section 4.2): the change of the kept weights R that makes up best for the pruned ones P, minimizing
 * delta' (lambda I + F) delta with delta_P = -w_P. Two forms of the same solution:
 * - kept: delta_R = (lambda I + F_RR)^-1 F_RP w_P, a system of order |R|;
 * - ridge: delta_R = G_R' (lambda N I + G_R G_R')^-1 v with v = G_P w_P, a system of order N.
 * With the first-order term of the loss, g times the mean gradient (CHITA's model, chita.ts; away from a minimum it matters), v is lessened by g.
 */
import { solveOne } from '../../linear/cholesky.ts'
import { floatRows, product } from '../../linear/product.ts'
import { dot, type Vector } from '../../linear/vector.ts'
import type { Workspace } from '../../linear/workspace.ts'
import { activeWeights } from './gram.ts'
import { type Block, dampedFactor, dampedGram } from './inverse.ts'

/** The change of every weight of a block, one list per tensor; 0 where `masks` is 0 (the pruned weights themselves are to be set to 0). */
export function systematicUpdate(
  space: Workspace,
  block: Block,
  weights: readonly Vector[],
  masks: readonly ArrayLike<number>[],
  lambda: number,
  firstOrder = 0,
): Float64Array[] {
  const { samples, tensors } = block
  const v = new Float64Array(samples).fill(-firstOrder)
  tensors.forEach((tensor, t) => {
    tensor.combine(
      weights[t].map((w, q) => (masks[t][q] === 0 ? w : 0)),
      v,
    )
  })
  const kept = masks.map((mask) => activeWeights(mask.length, mask))
  const count = kept.reduce((sum, list) => sum + list.length, 0)
  if (count === 0) return tensors.map(({ size }) => new Float64Array(size))
  const keptCost = samples * count * count + count ** 3 / 3
  const ridgeCost = samples * samples * count + samples ** 3 / 3
  return count <= samples && keptCost <= ridgeCost
    ? keptForm(space, block, kept, count, v, lambda)
    : ridgeForm(space, block, masks, v, lambda)
}

function keptForm(
  space: Workspace,
  { samples, tensors }: Block,
  kept: Int32Array[],
  count: number,
  v: Float64Array,
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
    const right = Float64Array.from(columns, (column) => dot(column, v))
    const solution = solveOne(space, factor, right)
    at = 0
    return tensors.map((tensor, t) => {
      const delta = new Float64Array(tensor.size)
      for (const q of kept[t]) delta[q] = solution[at++]
      return delta
    })
  })
}

function ridgeForm(
  space: Workspace,
  block: Block,
  masks: readonly ArrayLike<number>[],
  v: Float64Array,
  lambda: number,
) {
  return space.scoped(() => {
    const factor = dampedGram(space, block, lambda, masks)
    const y = solveOne(space, factor, v)
    return block.tensors.map((tensor, t) => {
      const delta = new Float64Array(tensor.size)
      tensor.correlate(y, delta)
      return delta.map((value, q) => (masks[t][q] === 0 ? 0 : value))
    })
  })
}
