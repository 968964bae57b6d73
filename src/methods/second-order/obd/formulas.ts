/**
 * @file Optimal Brain Damage (LeCun et al. 1990) with the diagonal of the empirical Fisher matrix: F_qq w_q^2
 * / 2. In a network that fits its samples a few of them make nearly all squared gradients, which then say
 * little of the other weights: F_qq is damped by the mean of its tensor, (F_qq + d mean F) w_q^2 / 2.
 */
import type { Vector } from '../../../linear/vector.ts'
import type { GradientColumns } from '../fisher/columns.ts'

/** F_qq of every weight: the mean of its squared gradients. */
export function fisherDiagonal(columns: GradientColumns): Float64Array {
  const squares = new Float64Array(columns.size)
  columns.squares(squares)
  return squares.map((sum) => sum / columns.samples)
}

/**
 * The increase of the loss that removing each weight of a tensor alone is expected to cost, without an update
 * of the others. `damp`: d, in units of the mean F_qq of the tensor's weights that are not 0; 0 as published.
 */
export function obdSaliency(diagonal: Float64Array, weights: Vector, damp: number): Float64Array {
  let [sum, left] = [0, 0]
  for (let q = 0; q < weights.length; q++)
    if (weights[q] !== 0) {
      sum += diagonal[q]
      left++
    }
  const shift = left === 0 ? 0 : (damp * sum) / left
  return diagonal.map((f, q) => ((f + shift) * weights[q] ** 2) / 2)
}
