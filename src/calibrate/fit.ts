/**
 * @file Constants that explain measured times: nonnegative least squares on relative errors,
 *
 *     min over x >= 0 of sum over layers of weight (sum over constants of x amount / time - 1)^2
 *
 * There are so few constants that every set of them is tried (all others are zero): the best of the solutions
 * without a negative constant is the least.
 */
import { type Amounts, type Cost, timeOf } from '../engine/cost.ts'

/** What a layer has, what it took, and how much that counts beside others (default 1). */
export interface Observation {
  amounts: Amounts
  nanoseconds: number
  weight?: number
}

const NAMES = ['multiplyAdd', 'value', 'weight', 'call'] as const

export function fitCost(observations: readonly Observation[]): Required<Cost> {
  const rows = observations.map(({ amounts, nanoseconds, weight = 1 }) => {
    const root = Math.sqrt(weight)
    return [...NAMES.map((name) => (root * amounts[name]) / nanoseconds), root]
  })
  let best: Required<Cost> = { ...amounts([], []), error: Number.POSITIVE_INFINITY }
  for (let set = 1; set < 1 << NAMES.length; set++) {
    const members = NAMES.map((_, i) => i).filter((i) => set & (1 << i))
    const solution = leastSquares(rows.map((row) => [...members, NAMES.length].map((i) => row[i])))
    if (!solution?.every((x) => x >= 0)) continue
    const found = amounts(members, solution)
    const error = errorOf(found, observations)
    if (error < best.error) best = { ...found, error }
  }
  return best
}

/** The root of the weighted mean of squared relative errors of a cost. */
export function errorOf(cost: Amounts, observations: readonly Observation[]): number {
  let [squares, weights] = [0, 0]
  for (const { amounts, nanoseconds, weight = 1 } of observations) {
    squares += weight * (timeOf(cost, amounts) / nanoseconds - 1) ** 2
    weights += weight
  }
  return Math.sqrt(squares / weights)
}

function amounts(members: readonly number[], solution: readonly number[]): Amounts {
  const cost: Amounts = { multiplyAdd: 0, value: 0, weight: 0, call: 0 }
  for (const [i, member] of members.entries()) cost[NAMES[member]] = solution[i]
  return cost
}

/**
 * x that minimizes the sum over rows of (row . x - last of row)^2, by the normal equations with columns
 * scaled to length 1; undefined where columns depend on each other.
 */
function leastSquares(rows: readonly (readonly number[])[]): number[] | undefined {
  const n = rows[0].length - 1
  const lengths = rows[0].map((_, j) => (j < n ? Math.hypot(...rows.map((row) => row[j])) : 1))
  const scaled = rows.map((row) => row.map((value, j) => value / lengths[j]))
  const inner = (i: number, j: number) => scaled.reduce((sum, row) => sum + row[i] * row[j], 0)
  const system = Array.from({ length: n }, (_, i) => Array.from({ length: n + 1 }, (_, j) => inner(i, j)))
  return solve(system)?.map((x, j) => x / lengths[j])
}

/** A pivot below that is a column that depends on the others. */
const LEAST_PIVOT = 1e-9

/** Gaussian elimination of a positive definite system, its right-hand side as the last column. */
function solve(system: number[][]): number[] | undefined {
  const n = system.length
  for (let k = 0; k < n; k++) {
    if (!(system[k][k] > LEAST_PIVOT)) return undefined
    for (let i = 0; i < n; i++) {
      if (i === k) continue
      const factor = system[i][k] / system[k][k]
      for (let j = k; j <= n; j++) system[i][j] -= factor * system[k][j]
    }
  }
  return system.map((row, k) => row[n] / row[k])
}
