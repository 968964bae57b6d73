/** @file Linear algebra in plain loops, to compare with: rows of numbers, elimination with pivoting. */

export type Dense = number[][]

/** X with A X = B. */
export function solveDense(a: Dense, b: Dense): Dense {
  const n = a.length
  const rows = a.map((row, i) => [...row, ...b[i]])
  for (let c = 0; c < n; c++) {
    let best = c
    for (let r = c + 1; r < n; r++) if (Math.abs(rows[r][c]) > Math.abs(rows[best][c])) best = r
    ;[rows[c], rows[best]] = [rows[best], rows[c]]
    const pivot = rows[c][c]
    rows[c] = rows[c].map((x) => x / pivot)
    for (let r = 0; r < n; r++) {
      const factor = rows[r][c]
      if (r === c || factor === 0) continue
      for (let j = c; j < rows[r].length; j++) rows[r][j] -= factor * rows[c][j]
    }
  }
  return rows.map((row) => row.slice(n))
}

export const identity = (n: number): Dense =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)))

export const inverseDense = (a: Dense): Dense => solveDense(a, identity(a.length))

export const timesVector = (a: Dense, x: ArrayLike<number>): number[] =>
  a.map((row) => row.reduce((sum, value, j) => sum + value * x[j], 0))

/** lambda I + G' G / N of the rows of G. */
export function dampedFisher(g: readonly ArrayLike<number>[], lambda: number): Dense {
  const n = g[0].length
  return identity(n).map((row, p) =>
    row.map((one, q) => lambda * one + g.reduce((sum, sample) => sum + sample[p] * sample[q], 0) / g.length),
  )
}

/** The sums of the absolute values of the terms of A x: the scales of its errors. */
export const termSizes = (a: Dense, x: ArrayLike<number>): number[] =>
  a.map((row) => row.reduce((sum, value, j) => sum + Math.abs(value * x[j]), 0))

/**
 * The error allowed, relatively, in solutions with lambda I + G' G / N: some roundings for every unit of its
 * condition number, of which (lambda + trace) / lambda is a bound.
 */
export function solutionError(g: readonly ArrayLike<number>[], lambda: number): number {
  const trace = g.reduce((sum, row) => sum + Array.from(row).reduce((s, x) => s + x * x, 0), 0) / g.length
  return (2 * Number.EPSILON * (lambda + trace)) / lambda
}
