/**
 * @file Optimal Brain Damage (LeCun et al. 1990) with the diagonal of the empirical Fisher matrix: F_qq w_q^2
 * / 2.
 */
import type { Vector } from '../../../linear/vector.ts'
import type { GradientColumns } from '../fisher/columns.ts'

/**
 * The increase of the loss that removing each weight alone is expected to cost, without an update of the
 * others.
 */
export function obdSaliency(columns: GradientColumns, weights: Vector): Float64Array {
  const squares = new Float64Array(columns.size)
  columns.squares(squares)
  return squares.map((sum, q) => (sum / (2 * columns.samples)) * weights[q] ** 2)
}
