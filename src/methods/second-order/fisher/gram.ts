/**
 * @file Gram matrices of gradient columns, K = G G' (N x N), and of those of kept weights, G_R' G_R, by
 * gathering columns.
 */
import { floatRows, product, transposed } from '../../../linear/product.ts'
import type { Matrix, Workspace } from '../../../linear/workspace.ts'
import type { GradientColumns } from './columns.ts'

/** Columns gathered at once. */
const CHUNK = 256

/** Indices of the weights of a tensor whose `active` is not 0; all where it is absent. */
export function activeWeights(size: number, active?: ArrayLike<number>): Int32Array {
  const indices = Int32Array.from({ length: size }, (_, q) => q)
  return active ? indices.filter((q) => active[q] !== 0) : indices
}

/** Indices of the other weights. */
export function inactiveWeights(active: ArrayLike<number>): Int32Array {
  return activeWeights(
    active.length,
    Array.from(active, (a) => (a === 0 ? 1 : 0)),
  )
}

/** k[i][j] += (or -=) sum over the weights of G[i][q] G[j][q], for j <= i. */
export function addGramOf(
  space: Workspace,
  columns: GradientColumns,
  weights: Int32Array,
  k: Matrix,
  mode: 'add' | 'subtract' = 'add',
): void {
  const { samples } = columns
  space.scoped(() => {
    const offset = space.take(CHUNK * samples)
    for (let first = 0; first < weights.length; first += CHUNK) {
      const chunk = weights.subarray(first, first + CHUNK)
      chunk.forEach((q, i) => {
        columns.column(q, space.floats(offset + i * samples, samples))
      })
      const lines = transposed(floatRows(offset, chunk.length, samples))
      space.run([product(k, lines, lines, { mode, lower: true })])
    }
  })
}
