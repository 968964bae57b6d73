/**
 * @file SparseGPT (Frantar & Alistarh 2023): one sweep over the columns. A pruned weight is compensated by
 * the columns after it only, so that all rows share one sequence of inverse Hessians. The Cholesky
 * factorization H^-1 = U' U, U upper triangular, holds it: U_ii^2 is the entry of column i in the inverse for
 * the columns from i on, and row i of U over U_ii what column i means to those after it.
 */
import { inverseFactor } from '../../linear/small.ts'
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
 */
export function sparseGpt(problem: LayerProblem, target: Target, block = BLOCK): LayerSolution {
  const { rows, columns: n } = problem
  const weights = problem.weights.slice()
  const mask = weights.map((w) => (w === 0 ? 0 : 1))
  const u = factored(problem, inverseFactor)

  /** Keeps the best of the weights at `places` that are left. */
  const keepBest = (places: Uint32Array, keep: number) => {
    const left = places.filter((at) => mask[at] === 1)
    const scores = Float64Array.from(left, (at) => (weights[at] / u[(at % n) * (n + 1)]) ** 2)
    const chosen = new Float64Array(left.length)
    selectTop([scores], Math.min(keep, left.length), [chosen])
    left.forEach((at, i) => {
      mask[at] = chosen[i]
    })
  }

  const keeps = 'keep' in target ? keepPerBlock(mask, n, block, target.keep) : []
  for (let from = 0, b = 0; from < n; from += block, b++) {
    const to = Math.min(from + block, n)
    if ('keep' in target) keepBest(placesOf(rows, n, from, to), keeps[b])
    for (let at = 0; at < rows * n; at += n)
      for (let i = from; i < to; i++) {
        if ('pattern' in target && i % target.pattern.m === 0) {
          const group = Uint32Array.from({ length: Math.min(target.pattern.m, n - i) }, (_, k) => at + i + k)
          keepBest(group, target.pattern.n)
        }
        if (mask[at + i] === 0) prune(weights, at, u, i, n)
      }
  }
  return { weights, mask }
}

/** Sets weight i of the row at `at` to zero, and the weights after it to what is best then. */
function prune(weights: Float64Array, at: number, u: Float64Array, i: number, n: number): void {
  const row = i * n
  const error = weights[at + i] / u[row + i]
  if (error !== 0) for (let j = i + 1; j < n; j++) weights[at + j] -= error * u[row + j]
  weights[at + i] = 0
}

/** Where the weights of columns from ... to - 1 lie, row by row. */
function placesOf(rows: number, n: number, from: number, to: number): Uint32Array {
  const width = to - from
  return Uint32Array.from({ length: rows * width }, (_, i) => Math.floor(i / width) * n + from + (i % width))
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
