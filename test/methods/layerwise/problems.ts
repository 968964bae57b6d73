/**
 * @file Layer-wise problems for tests, and least squares by another way than the solvers': Gaussian
 * elimination.
 */
import type { LayerProblem } from '../../../src/methods/layerwise/problem.ts'
import { random } from '../../../src/util/random.ts'

/**
 * Random weights, and H = 2 X X' of random inputs that are correlated: each is what it was in common with the
 * one before, plus noise.
 */
export function randomProblem(rows: number, columns: number, seed = 0, samples = 4 * columns): LayerProblem {
  const draw = random(seed, 'layer-wise problem')
  const hessian = new Float64Array(columns * columns)
  const x = new Float64Array(columns)
  for (let s = 0; s < samples; s++) {
    for (let i = 0; i < columns; i++) x[i] = draw.normal() + (i > 0 ? 0.9 * x[i - 1] : 0)
    for (let i = 0; i < columns; i++) for (let j = 0; j < columns; j++) hessian[i * columns + j] += 2 * x[i] * x[j]
  }
  const weights = Float64Array.from({ length: rows * columns }, () => draw.normal())
  return { name: 'random', rows, columns, weights, hessian }
}

/** Solves a small dense system with pivoting; the matrix is given by its rows. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]])
  const n = rows.length
  for (let k = 0; k < n; k++) {
    const best = rows.findIndex(
      (_, i) => i >= k && rows.every((row, j) => j < k || Math.abs(row[k]) <= Math.abs(rows[i][k])),
    )
    ;[rows[k], rows[best]] = [rows[best], rows[k]]
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i][k] / rows[k][k]
      for (let j = k; j <= n; j++) rows[i][j] -= factor * rows[k][j]
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    const known = x.reduce((sum, value, j) => (j > i ? sum + rows[i][j] * value : sum), 0)
    x[i] = (rows[i][n] - known) / rows[i][i]
  }
  return x
}

/**
 * A row's best weights with those of `pruned` at zero, by Lagrange multipliers: H v - sum of l_p e_p = H w,
 * v_p = 0. And (v - w)' H (v - w).
 */
export function constrained({ columns: n, weights, hessian }: LayerProblem, row: number, pruned: readonly number[]) {
  const w = [...weights.subarray(row * n, (row + 1) * n)]
  const h = w.map((_, i) => [...hessian.subarray(i * n, (i + 1) * n)])
  const system = [
    ...h.map((values, i) => [...values, ...pruned.map((p) => (p === i ? -1 : 0))]),
    ...pruned.map((p) => [...w.map((_, j) => (j === p ? 1 : 0)), ...pruned.map(() => 0)]),
  ]
  const right = [...h.map((values) => values.reduce((sum, x, j) => sum + x * w[j], 0)), ...pruned.map(() => 0)]
  const v = solve(system, right).slice(0, n)
  const delta = v.map((value, i) => value - w[i])
  const loss = delta.reduce((sum, a, i) => sum + a * delta.reduce((s, b, j) => s + h[i][j] * b, 0), 0)
  return { v, loss }
}

/** The largest weights of all rows, as they are. */
export function magnitude({ weights }: LayerProblem, keep: number): Float64Array {
  const order = [...weights.keys()].sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]))
  const result = new Float64Array(weights.length)
  for (const i of order.slice(0, keep)) result[i] = weights[i]
  return result
}

export const ones = (mask: Float64Array): number => mask.reduce((sum, bit) => sum + bit, 0)
