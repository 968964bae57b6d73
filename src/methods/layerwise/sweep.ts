/**
 * @file One sweep over the columns of a layer (SparseGPT, Frantar & Alistarh 2023; GPTQ, Frantar et al.
 * 2023): every weight gets the value that it may have, and the columns after it make up for what that
 * changed, so that all rows share one sequence of inverse Hessians. The Cholesky factorization H^-1 = U' U,
 * U upper triangular, holds it: U_ii^2 is the entry of column i in the inverse for the columns from i on,
 * and row i of U over U_ii what column i means to those after it.
 */
import type { Machine } from '../../engine/machine.ts'
import { inverseFactor, inverseRoom } from '../../linear/inverse.ts'
import { product, rowsOf, transposed } from '../../linear/product.ts'
import { part, Workspace } from '../../linear/workspace.ts'
import { factored, type LayerProblem } from './problem.ts'

/** What a sweep sees of itself. Both are live. */
export interface Swept {
  /** [rows][columns], as updated so far. */
  weights: Float64Array
  /** U_ii by column. */
  pivots: Float64Array
}

export interface Sweep {
  /** Columns whose updates of those after them are one product of matrices (the paper's lazy batches). */
  block: number
  /** Called when the sweep arrives at the columns from ... to - 1. */
  enter?(swept: Swept, from: number, to: number): void
  /**
   * What the weight at a row and column, `weight` as updated, becomes: itself, where it may stay as it is.
   */
  become(swept: Swept, row: number, column: number, weight: number): number
}

/**
 * The weights that a sweep makes of a problem's, [rows][columns]: d^3 / 3 + rows d^2 / 2 products for d
 * columns.
 */
export function sweep(problem: LayerProblem, machine: Machine, { block, enter, become }: Sweep): Float64Array {
  const { rows, columns: n } = problem
  const space = new Workspace(machine, 2 * (inverseRoom(n) + rows * (n + block)))
  const factor = factored(problem, (hessian) => inverseFactor(space, hessian, n))
  const matrix = space.matrix(rows, n)
  const [u, weights] = [space.values(factor), space.values(matrix)]
  weights.set(problem.weights)
  const swept = { weights, pivots: Float64Array.from({ length: n }, (_, i) => u[i * (n + 1)]) }
  for (let from = 0; from < n; from += block) {
    const to = Math.min(from + block, n)
    enter?.(swept, from, to)
    space.scoped(() => {
      const changes = space.matrix(rows, to - from)
      const errors = space.values(changes).fill(0)
      for (let row = 0; row < rows; row++)
        for (let i = from, at = row * n; i < to; i++) {
          const now = weights[at + i]
          const value = become(swept, row, i, now)
          const error = (now - value) / swept.pivots[i]
          errors[row * (to - from) + i - from] = error
          if (error !== 0) for (let j = i + 1; j < to; j++) weights[at + j] -= error * u[i * n + j]
          weights[at + i] = value
        }
      if (to === n) return
      const rest = part(matrix, 0, to, rows, n - to)
      const means = rowsOf(part(factor, from, to, to - from, n - to))
      space.run([product(rest, rowsOf(changes), transposed(means), { mode: 'subtract' })])
    })
  }
  return weights.slice()
}
