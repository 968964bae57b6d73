/**
 * @file ALPS (Meng, Behdin, Wang & Mazumder 2024, arXiv 2406.07831): the layer's problem, min |X W - X V|^2
 * with k nonzeros in V, by operator splitting. V and a copy D that has k nonzeros come together by
 *
 *     V <- (H + rho I)^-1 (H W - U + rho D),    D <- the k largest of V + U / rho,    U <- U + rho (V - D)
 *
 * while rho grows, the faster the more places of D's support have changed (section 3.2), until none does.
 * Then the weights on that support are found by conjugate gradients with the diagonal of H as preconditioner,
 * all rows at once (section 3.3). Inputs are scaled beforehand so that H has ones on its diagonal.
 */
import type { Machine } from '../../engine/machine.ts'
import { factorize, factorRoom, solve } from '../../linear/cholesky.ts'
import { product, rowsOf } from '../../linear/product.ts'
import { type Matrix, Workspace } from '../../linear/workspace.ts'
import { chosenBy, type Target } from './choose.ts'
import type { LayerProblem, LayerSolution } from './problem.ts'

/** The paper's settings. */
const RHO = 0.1
const MOST_STEPS = 300
const STEPS_PER_RHO = 3
const CG_STEPS = 10

/** How much rho grows by, where so large a share of the support has changed since it last did. */
const growth = (share: number) => (share >= 0.1 ? 1.3 : share >= 0.005 ? 1.2 : 1.1)

export function alps(problem: LayerProblem, target: Target, machine: Machine): LayerSolution {
  const { rows, columns: n, weights, hessian } = problem
  const scale = Float64Array.from({ length: n }, (_, i) => Math.sqrt(hessian[i * (n + 1)]))
  const scaled = weights.map((w, i) => w * scale[i % n])
  const room = 2 * n * n + 2 * rows * n + factorRoom(n)
  const space = new Workspace(machine, 2 * room)
  const h = space.matrix(n, n)
  space.values(h).set(hessian.map((x, i) => x / (scale[Math.floor(i / n)] * scale[i % n])))
  const times = (v: Float64Array) => timesSymmetric(space, h, v, rows)

  const mask = support(problem, scaled, target, { space, h, times })
  if (mask.every((bit, i) => bit === Number(weights[i] !== 0))) return { weights: weights.slice(), mask }
  const found = onSupport(scaled, mask, n, times)
  return { weights: found.map((v, i) => (mask[i] ? v / scale[i % n] : 0)), mask }
}

interface Space {
  space: Workspace
  h: Matrix
  times(v: Float64Array): Float64Array
}

/** The places that operator splitting ends with, of scaled weights. */
function support(problem: LayerProblem, w: Float64Array, target: Target, { space, h, times }: Space): Float64Array {
  const { rows, columns: n } = problem
  const top = (v: Float64Array) => chosenBy(v.map(Math.abs), { rows, columns: n, weights: w }, target, 'matrix')
  const wanted = times(w)
  let mask = top(w)
  let before = mask
  let rho = RHO
  const d = w.map((x, i) => x * mask[i])
  const u = new Float64Array(w.length)
  for (let step = 0; step < MOST_STEPS; step += STEPS_PER_RHO) {
    space.scoped(() => {
      const factor = factorize(space, shifted(space, h, rho))
      const x = space.matrix(rows, n)
      const v = space.values(x)
      for (let i = 0; i < STEPS_PER_RHO; i++) {
        v.set(wanted.map((b, at) => b - u[at] + rho * d[at]))
        solve(space, factor, x)
        const sum = v.map((value, at) => value + u[at] / rho)
        mask = top(sum)
        for (let at = 0; at < d.length; at++) {
          d[at] = mask[at] * sum[at]
          u[at] += rho * (v[at] - d[at])
        }
      }
    })
    const changed = mask.reduce((count, bit, at) => count + Number(bit !== before[at]), 0)
    if (changed === 0) break
    before = mask
    rho *= growth(changed / mask.reduce((count, bit) => count + bit, 0))
  }
  return mask
}

/** H + rho I. */
function shifted(space: Workspace, h: Matrix, rho: number): Matrix {
  const result = space.matrix(h.rows, h.cols)
  const values = space.values(result)
  values.set(space.values(h))
  for (let i = 0; i < h.rows; i++) values[i * (h.cols + 1)] += rho
  return result
}

/**
 * The weights on a support that bring |X W - X V| down, by steps of conjugate gradients from those of the
 * support themselves. H has ones on its diagonal, which is the preconditioner: none is left to do.
 */
function onSupport(
  w: Float64Array,
  mask: Float64Array,
  n: number,
  times: (v: Float64Array) => Float64Array,
): Float64Array {
  const v = w.map((x, i) => x * mask[i])
  const residual = times(w.map((x, i) => x - v[i])).map((r, i) => r * mask[i])
  const direction = residual.slice()
  let squares = rowDots(residual, residual, n)
  for (let step = 0; step < CG_STEPS; step++) {
    const image = times(direction)
    const curvature = rowDots(direction, image, n)
    const lengths = squares.map((square, row) => (curvature[row] > 0 ? square / curvature[row] : 0))
    for (let i = 0; i < v.length; i++) {
      const length = lengths[Math.floor(i / n)]
      v[i] += length * direction[i]
      residual[i] -= length * image[i] * mask[i]
    }
    const next = rowDots(residual, residual, n)
    for (let i = 0; i < v.length; i++) {
      const row = Math.floor(i / n)
      direction[i] = residual[i] + (squares[row] > 0 ? next[row] / squares[row] : 0) * direction[i]
    }
    squares = next
  }
  return v
}

function rowDots(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const dots = new Float64Array(a.length / n)
  for (let i = 0; i < a.length; i++) dots[Math.floor(i / n)] += a[i] * b[i]
  return dots
}

/** V H for rows V and a symmetric H. */
function timesSymmetric(space: Workspace, h: Matrix, v: Float64Array, rows: number): Float64Array {
  return space.scoped(() => {
    const [x, y] = [space.matrix(rows, h.cols), space.matrix(rows, h.cols)]
    space.values(x).set(v)
    space.run([product(y, rowsOf(x), rowsOf(h))])
    return Float64Array.from(space.values(y))
  })
}
