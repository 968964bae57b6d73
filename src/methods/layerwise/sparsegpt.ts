/**
 * @file SparseGPT (Frantar & Alistarh 2023): one sweep over the columns. A pruned weight is compensated by
 * the columns after it only, so that all rows share one sequence of inverse Hessians. The Cholesky
 * factorization H^-1 = U' U, U upper triangular, holds it: U_ii^2 is the entry of column i in the inverse for
 * the columns from i on, and row i of U over U_ii what column i means to those after it.
 */
import type { Machine } from '../../engine/machine.ts'
import { inverseFactor, inverseRoom } from '../../linear/inverse.ts'
import { product, rowsOf, transposed } from '../../linear/product.ts'
import { part, Workspace } from '../../linear/workspace.ts'
import { apportion } from '../../select/apportion.ts'
import { selectTop } from '../../select/top.ts'
import type { Target } from './choose.ts'
import { factored, type LayerProblem, type LayerSolution } from './problem.ts'

/** Columns whose weights compete, over all rows. */
const BLOCK = 128

/**
 * Chooses and compensates in one sweep: d^3 / 3 + rows d^2 / 2 products for d columns. With `keep`, the
 * weights to keep are spread evenly over blocks of `block` columns (default 128), and those of a block with
 * the largest w^2 / U_ii^2 stay, as updated when the sweep arrives there. With a pattern, the choice is made
 * like that among every m weights of a row; a last group of fewer columns counts as filled up with zeros.
 *
 * What a block's removals mean to the columns after it is one product of matrices (the paper's lazy batches):
 * the errors w_i / U_ii of its columns with their rows of U.
 */
export function sparseGpt(problem: LayerProblem, target: Target, machine: Machine, block = BLOCK): LayerSolution {
  const { rows, columns: n } = problem
  const mask = problem.weights.map((w) => (w === 0 ? 0 : 1))
  // Groups of a pattern lie within blocks.
  const width = 'pattern' in target ? Math.ceil(block / target.pattern.m) * target.pattern.m : block
  const space = new Workspace(machine, 2 * (inverseRoom(n) + rows * (n + width)))
  const factor = factored(problem, (hessian) => inverseFactor(space, hessian, n))
  const matrix = space.matrix(rows, n)
  const [u, weights] = [space.values(factor), space.values(matrix)]
  weights.set(problem.weights)

  /** Keeps the best of the weights that are left in columns from ... to - 1 of some rows. */
  const keepBest = (first: number, last: number, from: number, to: number, keep: number) => {
    const left = new Uint32Array((last - first) * (to - from))
    const scores = new Float64Array(left.length)
    let count = 0
    for (let row = first; row < last; row++)
      for (let i = from, at = row * n + from; i < to; i++, at++) {
        if (mask[at] === 0) continue
        left[count] = at
        scores[count++] = (weights[at] / u[i * (n + 1)]) ** 2
      }
    const chosen = new Float64Array(count)
    selectTop([scores.subarray(0, count)], Math.min(keep, count), [chosen])
    for (let k = 0; k < count; k++) mask[left[k]] = chosen[k]
  }

  const keeps = 'keep' in target ? keepPerBlock(mask, n, width, target.keep) : []
  for (let from = 0, b = 0; from < n; from += width, b++) {
    const to = Math.min(from + width, n)
    if ('keep' in target) keepBest(0, rows, from, to, keeps[b])
    space.scoped(() => {
      const removed = space.matrix(rows, to - from)
      const errors = space.values(removed).fill(0)
      for (let row = 0; row < rows; row++)
        for (let i = from; i < to; i++) {
          const at = row * n
          if ('pattern' in target && i % target.pattern.m === 0)
            keepBest(row, row + 1, i, Math.min(i + target.pattern.m, n), target.pattern.n)
          if (mask[at + i] === 0) errors[row * (to - from) + i - from] = prune(weights, at, u, { i, to, n })
        }
      if (to === n) return
      const rest = part(matrix, 0, to, rows, n - to)
      const means = rowsOf(part(factor, from, to, to - from, n - to))
      space.run([product(rest, rowsOf(removed), transposed(means), { mode: 'subtract' })])
    })
  }
  return { weights: weights.slice(), mask }
}

/**
 * Sets weight i of the row at `at` to zero, and the weights after it up to column `to` to what is best then.
 * Returns its error, w_i / U_ii, by which row i of U changes those from `to` on.
 */
function prune(
  weights: Float64Array,
  at: number,
  u: Float64Array,
  { i, to, n }: { i: number; to: number; n: number },
): number {
  const row = i * n
  const error = weights[at + i] / u[row + i]
  if (error !== 0) for (let j = i + 1; j < to; j++) weights[at + j] -= error * u[row + j]
  weights[at + i] = 0
  return error
}

/**
 * `keep` weights spread over blocks of columns in proportion to their sizes, no more than a block has left.
 */
function keepPerBlock(mask: Float64Array, n: number, block: number, keep: number): number[] {
  const rows = mask.length / n
  const left = new Array<number>(Math.ceil(n / block)).fill(0)
  const sizes = left.map((_, b) => Math.min(block, n - b * block) * rows)
  mask.forEach((bit, i) => {
    left[Math.floor((i % n) / block)] += bit
  })
  const total = left.reduce((a, b) => a + b, 0)
  return apportion(Math.min(keep, total), sizes, left)
}
