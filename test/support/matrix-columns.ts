/**
 * @file Gradient columns of a matrix in memory, written for tests: every method is the sum that its
 * description says.
 */
import type { GradientColumns } from '../../src/methods/second-order/fisher/columns.ts'

/** `gradients[i][q]`: the gradient of sample i with respect to weight q, rounded to float32. */
export function matrixColumns(name: string, gradients: readonly ArrayLike<number>[]): GradientColumns {
  const rows = gradients.map((row) => Float32Array.from(row))
  const size = rows[0].length
  return {
    name,
    size,
    samples: rows.length,
    column(weight, into) {
      for (const [i, row] of rows.entries()) into[i] = row[weight]
    },
    correlate(v, sums) {
      sums.fill(0)
      for (const [i, row] of rows.entries()) for (let q = 0; q < size; q++) sums[q] += v[i] * row[q]
    },
    squares(sums) {
      sums.fill(0)
      for (const row of rows) for (let q = 0; q < size; q++) sums[q] += row[q] * row[q]
    },
    combine(x, v) {
      for (const [i, row] of rows.entries()) for (let q = 0; q < size; q++) v[i] += row[q] * x[q]
    },
  }
}
