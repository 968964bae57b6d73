/**
 * @file ExactOBS of the Optimal Brain Compressor (Frantar & Alistarh 2022, section 4): the Optimal Brain
 * Surgeon done exactly, one weight of a row at a time. With H the Hessian of the weights of a row that are
 * left, a step removes
 *
 *     p = argmin w_p^2 / [H^-1]_pp,    w <- w - H^-1_:p w_p / [H^-1]_pp,
 *     H^-1 <- H^-1 - H^-1_:p H^-1_p: / [H^-1]_pp
 *
 * and adds w_p^2 / [H^-1]_pp to twice the squared error. Those downdates are a Cholesky factorization of H^-1
 * with pivoting. Here H^-1 is left as it is, for all rows to share, and a row notes v = H^-1_:p /
 * sqrt([H^-1]_pp) of its steps: a column of the present inverse is the original one minus the sum of v_p v. A
 * row of d weights takes d^3 / 6 products, instead of the d^3 / 3 of downdates.
 */

import type { Machine } from '../../engine/machine.ts'
import { inverseOf, inverseRoom } from '../../linear/inverse.ts'
import { cholesky, solveCholesky } from '../../linear/small.ts'
import { Workspace } from '../../linear/workspace.ts'
import { countNonzeros } from '../../sparsity/count.ts'
import { UserError } from '../../util/errors.ts'
import { mergeTraces } from './merge.ts'
import { factored, type LayerProblem, type LayerSolution } from './problem.ts'

/**
 * Prunes problems together, so that exactly `keep` weights stay in all, or those that are not zero where they
 * are fewer: each row on its own down to nothing, then as many steps of each as are cheapest together, in
 * units of each problem, then the best weights for what is left.
 */
export function obc(problems: readonly LayerProblem[], keep: number, machine: Machine): LayerSolution[] {
  const traces = problems.map((problem) => obcTraces(problem, machine))
  const counts = stepsOf(
    problems.map((problem, i) => ({ ...problem, ...traces[i] })),
    keep,
  )
  return problems.map((problem, i) => reconstruct(problem, traces[i].order, counts[i]))
}

/** A problem that was traced; its Hessian is not needed. */
export type Traced = Pick<LayerProblem, 'columns' | 'weights' | 'unit'> & Traces

/** How many steps of every row of each problem are taken, so that `keep` weights stay in all, see {@link obc}. */
export function stepsOf(traced: readonly Traced[], keep: number): Uint32Array[] {
  const all = traced.reduce((sum, { weights }) => sum + weights.length, 0)
  const zeros = all - traced.reduce((sum, { weights }) => sum + countNonzeros(weights), 0)
  return mergeTraces(
    traced.map(({ losses, columns, unit = 1 }) => ({ losses: losses.map((loss) => loss / unit), columns })),
    Math.max(all - keep, zeros),
  )
}

/** In which order each row loses its weights, and what every step costs. */
export interface Traces {
  /** Columns, [rows][columns]. */
  order: Uint32Array
  /** Twice what the step adds to |W X - V X|^2, [rows][columns]. */
  losses: Float64Array
}

/**
 * Prunes every row down to nothing. Weights that are zero go first, at no cost; ties go to the lower column.
 */
export function obcTraces(problem: LayerProblem, machine: Machine): Traces {
  const { rows, columns, weights } = problem
  const order = new Uint32Array(rows * columns)
  const losses = new Float64Array(rows * columns)
  const space = new Workspace(machine, 2 * inverseRoom(columns))
  const inverted = space.values(factored(problem, (hessian) => inverseOf(space, hessian, columns)))
  const scratch = new Float64Array(columns * columns)
  for (let at = 0; at < rows * columns; at += columns) {
    const end = at + columns
    traceRow(weights.slice(at, end), inverted, scratch, order.subarray(at, end), losses.subarray(at, end))
  }
  return { order, losses }
}

/** One row; `w` is overwritten, `v` [columns][columns] is where the steps are noted. */
function traceRow(
  w: Float64Array,
  inverted: Float64Array,
  v: Float64Array,
  order: Uint32Array,
  losses: Float64Array,
): void {
  const n = w.length
  // What is left stands in the first m places of everything here, in no particular order: the last takes the
  // place of a weight that goes.
  const left = Uint32Array.from(w, (_, i) => i)
  const diagonal = w.map((_, i) => inverted[i * n + i])
  const column = new Float64Array(n)
  for (let k = 0, m = n; m > 0; k++, m--) {
    const p = cheapest(w, diagonal, left, m)
    const pivot = diagonal[p]
    if (!(pivot > 0)) throw new UserError('rounding has made the Hessian of a pruned row indefinite: use more damping')
    const start = left[p] * n
    for (let i = 0; i < m; i++) column[i] = inverted[start + left[i]]
    subtractSteps(v, n, k, p, column, m)
    order[k] = left[p]
    losses[k] = w[p] ** 2 / pivot
    const change = w[p] / pivot
    const scale = 1 / Math.sqrt(pivot)
    for (let i = 0, row = k * n; i < m; i++) {
      const noted = (v[row + i] = scale * column[i])
      diagonal[i] -= noted * noted
      w[i] -= change * column[i]
    }
    const last = m - 1
    left[p] = left[last]
    diagonal[p] = diagonal[last]
    w[p] = w[last]
    for (let row = 0; row <= k * n; row += n) v[row + p] = v[row + last]
  }
}

/** The place of the least w^2 / [H^-1]_pp among the first m. */
function cheapest(w: Float64Array, diagonal: Float64Array, left: Uint32Array, m: number): number {
  let p = 0
  let least = Infinity
  for (let i = 0; i < m; i++) {
    const loss = (w[i] * w[i]) / diagonal[i]
    if (loss < least || (loss === least && left[i] < left[p])) {
      p = i
      least = loss
    }
  }
  return p
}

/**
 * column -= sum over the first k rows of v of v[p] v, for m places: the loop that takes the time, four rows
 * at once.
 */
function subtractSteps(v: Float64Array, n: number, k: number, p: number, column: Float64Array, m: number): void {
  let r0 = 0
  for (const end = (k & ~3) * n; r0 < end; r0 += 4 * n) {
    const r1 = r0 + n
    const r2 = r1 + n
    const r3 = r2 + n
    const f0 = v[r0 + p]
    const f1 = v[r1 + p]
    const f2 = v[r2 + p]
    const f3 = v[r3 + p]
    for (let i = 0; i < m; i++) column[i] -= f0 * v[r0 + i] + f1 * v[r1 + i] + (f2 * v[r2 + i] + f3 * v[r3 + i])
  }
  for (; r0 < k * n; r0 += n) {
    const factor = v[r0 + p]
    for (let i = 0; i < m; i++) column[i] -= factor * v[r0 + i]
  }
}

/**
 * The best weights after the first counts[row] steps of every row's order. With R the weights that are left
 * and P those that are not, V_R = W_R + H_RR^-1 H_RP W_P: where the steps lead too, but for rounding, and for
 * less than going there again.
 */
export function reconstruct(problem: LayerProblem, order: Uint32Array, counts: ArrayLike<number>): LayerSolution {
  const { rows, columns: n, weights, hessian } = problem
  const solution = { weights: new Float64Array(rows * n), mask: new Float64Array(rows * n) }
  for (let row = 0; row < rows; row++) {
    const at = row * n
    const pruned = order.slice(at, at + counts[row]).sort()
    const kept = order.slice(at + counts[row], at + n).sort()
    const m = kept.length
    const system = new Float64Array(m * m)
    const change = new Float64Array(m)
    for (let i = 0; i < m; i++) {
      const h = kept[i] * n
      for (let j = 0; j <= i; j++) system[i * m + j] = hessian[h + kept[j]]
      for (const p of pruned) change[i] += hessian[h + p] * weights[at + p]
    }
    cholesky(system, m)
    solveCholesky(system, m, change)
    kept.forEach((column, i) => {
      solution.weights[at + column] = weights[at + column] + change[i]
      solution.mask[at + column] = 1
    })
  }
  return solution
}
