/**
 * @file ExactOBS of the Optimal Brain Compressor (Frantar & Alistarh 2022, section 4): the Optimal Brain
 * Surgeon done exactly, one weight of a row at a time. With H the Hessian of the weights of a row that are
 * left, a step removes
 *
 *     p = argmin w_p^2 / [H^-1]_pp,    w <- w - H^-1_:p w_p / [H^-1]_pp,
 *     H^-1 <- H^-1 - H^-1_:p H^-1_p: / [H^-1]_pp
 *
 * and adds w_p^2 / [H^-1]_pp to twice the squared error. Those downdates are a Cholesky factorization of H^-1
 * with pivoting, done by panels here: a row notes v = H^-1_:p / sqrt([H^-1]_pp) of some steps, a column of
 * the present inverse is what it was before them minus the sum of v_p v, and then one product of matrices
 * takes all of them off. A row of d weights takes d^3 / 6 products in place of the d^3 / 3 of single
 * downdates.
 */

import type { Machine } from '../../engine/machine.ts'
import { factorize, factorRoom, solveOne } from '../../linear/cholesky.ts'
import { inverseOf, inverseRoom } from '../../linear/inverse.ts'
import { product, rowsOf, transposed } from '../../linear/product.ts'
import { type Matrix, part, Workspace } from '../../linear/workspace.ts'
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
  return problems.map((problem, i) => reconstruct(problem, traces[i].order, counts[i], machine))
}

/** A problem that was traced; its Hessian is not needed. */
export type Traced = Pick<LayerProblem, 'columns' | 'weights' | 'unit'> & Traces

/**
 * How many steps of every row of each problem are taken, so that `keep` weights stay in all, see {@link obc}.
 */
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
 * Takes some 2 d^2 doubles of the machine.
 */
export function obcTraces(problem: LayerProblem, machine: Machine): Traces {
  const { rows, columns: n, weights } = problem
  const order = new Uint32Array(rows * n)
  const losses = new Float64Array(rows * n)
  const space = new Workspace(machine, 2 * (inverseRoom(n) + n * n + PANEL * n))
  const inverted = space.values(factored(problem, (hessian) => inverseOf(space, hessian, n)))
  const present = space.matrix(n, n)
  const panel = space.matrix(PANEL, n)
  for (let at = 0; at < rows * n; at += n) {
    space.values(present).set(inverted)
    const end = at + n
    traceRow({ space, present, panel }, weights.slice(at, end), order.subarray(at, end), losses.subarray(at, end))
  }
  return { order, losses }
}

/** Steps between which the inverse of a row is left as it is. */
const PANEL = 32

/** What a row is traced with: its inverse, of which the lower triangle is read, and the steps of a panel. */
interface Tracing {
  space: Workspace
  present: Matrix
  panel: Matrix
}

/** One row; `w` and the inverse are overwritten. */
function traceRow({ space, present, panel }: Tracing, w: Float64Array, order: Uint32Array, losses: Float64Array): void {
  const n = w.length
  const [inverted, v] = [space.values(present), space.values(panel)]
  // What is left stands in the first m places of everything here, in no particular order: the last takes the
  // place of a weight that goes.
  const left = Uint32Array.from(w, (_, i) => i)
  const diagonal = w.map((_, i) => inverted[i * n + i])
  const column = new Float64Array(n)
  for (let k = 0, m = n, s = 0; m > 0; k++, m--) {
    const p = cheapest(w, diagonal, left, m)
    const pivot = diagonal[p]
    if (!(pivot > 0)) throw new UserError('rounding has made the Hessian of a pruned row indefinite: use more damping')
    for (let i = 0; i < p; i++) column[i] = inverted[p * n + i]
    for (let i = p; i < m; i++) column[i] = inverted[i * n + p]
    subtractSteps(v, n, s, p, column, m)
    order[k] = left[p]
    losses[k] = w[p] ** 2 / pivot
    const change = w[p] / pivot
    const scale = 1 / Math.sqrt(pivot)
    for (let i = 0, row = s * n; i < m; i++) {
      const noted = (v[row + i] = scale * column[i])
      diagonal[i] -= noted * noted
      w[i] -= change * column[i]
    }
    s++
    const last = m - 1
    left[p] = left[last]
    diagonal[p] = diagonal[last]
    w[p] = w[last]
    for (let row = 0; row < s * n; row += n) v[row + p] = v[row + last]
    moveLast(inverted, n, p, last)
    if (s < PANEL || last === 0) continue
    const steps = transposed(rowsOf(part(panel, 0, 0, s, last)))
    space.run([product(part(present, 0, 0, last, last), steps, steps, { mode: 'subtract', lower: true })])
    s = 0
  }
}

/** Row and column `last` of a symmetric matrix [n][n], of which the lower triangle is given, take place p. */
function moveLast(a: Float64Array, n: number, p: number, last: number): void {
  for (let i = 0; i < p; i++) a[p * n + i] = a[last * n + i]
  for (let i = p + 1; i < last; i++) a[i * n + p] = a[last * n + i]
  a[p * n + p] = a[last * n + last]
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

/** column -= sum over the first k rows of v of v[p] v, for m places; four rows at once. */
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
export function reconstruct(
  problem: LayerProblem,
  order: Uint32Array,
  counts: ArrayLike<number>,
  machine: Machine,
): LayerSolution {
  const { rows, columns: n, weights, hessian } = problem
  const solution = { weights: new Float64Array(rows * n), mask: new Float64Array(rows * n) }
  const most = n - Array.from({ length: rows }, (_, row) => counts[row]).reduce((a, b) => Math.min(a, b), n)
  const space = new Workspace(machine, 2 * (most * most + factorRoom(most) + most + 2))
  for (let row = 0; row < rows; row++) {
    const at = row * n
    const pruned = order.slice(at, at + counts[row]).sort()
    const kept = order.slice(at + counts[row], at + n).sort()
    const m = kept.length
    if (m === 0) continue
    const change = new Float64Array(m)
    const found = space.scoped(() => {
      const matrix = space.matrix(m, m)
      const system = space.values(matrix)
      for (let i = 0; i < m; i++) {
        const h = kept[i] * n
        for (let j = 0; j <= i; j++) system[i * m + j] = hessian[h + kept[j]]
        for (const p of pruned) change[i] += hessian[h + p] * weights[at + p]
      }
      return solveOne(space, factorize(space, matrix), change)
    })
    kept.forEach((column, i) => {
      solution.weights[at + column] = weights[at + column] + found[i]
      solution.mask[at + column] = 1
    })
  }
  return solution
}
