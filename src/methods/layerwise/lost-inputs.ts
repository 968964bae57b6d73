/**
 * @file New weights of a layer that loses inputs: of all W' on the inputs x_K that are kept those with the
 * outputs nearest to the old ones, min |W x - W' x_K|^2 over samples and positions. With G = 2 X X', R the
 * inputs that are lost, and a ridge towards the old weights, that is (He, Zhang & Sun 2017, section 3.1,
 * there without a ridge)
 *
 *     W' = W_K + W_R G_RK (G_KK + damp mean(diagonal of G_KK) I)^-1.
 */
import type { Machine } from '../../engine/machine.ts'
import { factorize, factorRoom, solve } from '../../linear/cholesky.ts'
import { product, rowsOf } from '../../linear/product.ts'
import { quadraticForm } from '../../linear/quadratic.ts'
import { Workspace } from '../../linear/workspace.ts'
import { UserError } from '../../util/errors.ts'
import { fromMatrix, type LayerMatrix, toMatrix } from './layer.ts'

/** What is added to the diagonal of G_KK, in units of its mean. */
export const DAMP = 1e-4

export interface LostInputs {
  /** In the order of the tensor, zero where an input is lost; rows that the mask removes are solved, too. */
  weights: Float64Array
  /** |W X - V X|^2 / |W X|^2 of rows that stay, with V the old weights on the inputs that are kept. */
  before: number
  /** The same of the new weights. */
  after: number
}

/**
 * `dense`: the weights W, `mask`: 1 for those that are kept, both in the order of the tensor; `grams`: 2 X X'
 * of every group. Inputs whose weights are removed from all rows of a group are lost. Throws UserError where
 * a weight or an input is not finite.
 */
export function withoutInputs(
  machine: Machine,
  layer: LayerMatrix,
  { dense, mask }: { dense: ArrayLike<number>; mask: ArrayLike<number> },
  grams: readonly Float64Array[],
): LostInputs {
  const { name, columns: n, groups } = layer
  const [w, bits] = [dense, mask].map((values) => toMatrix(layer, Float64Array.from(values)))
  const size = w.length / groups
  const result = new Float64Array(w.length)
  let [whole, before, after] = [0, 0, 0]
  grams.forEach((gram, g) => {
    const part = (all: Float64Array) => all.subarray(g * size, (g + 1) * size)
    const problem: Problem = { name, n, rows: size / n, w: part(w), bits: part(bits), gram }
    const [kept, found] = [keptColumns(problem), solved(machine, problem)]
    part(result).set(found)
    const stays = Uint8Array.from({ length: problem.rows }, (_, r) => Number(isKept(problem, r)))
    const distance = (v: (i: number) => number) => {
      const change = problem.w.map((x, i) => (stays[Math.floor(i / n)] ? x - v(i) : 0))
      return quadraticForm(machine, gram, n, change)
    }
    whole += distance(() => 0)
    before += distance((i) => (kept[i % n] && problem.bits[i] ? problem.w[i] : 0))
    after += distance((i) => (problem.bits[i] ? found[i] : 0))
  })
  const share = (error: number) => (whole > 0 ? Math.max(error, 0) / whole : 0)
  return { weights: fromMatrix(layer, result), before: share(before), after: share(after) }
}

/** Whether a layer has lost inputs that it had, and still has others. */
export function losesInputs(layer: LayerMatrix, dense: ArrayLike<number>, mask: ArrayLike<number>): boolean {
  const { columns: n, groups } = layer
  const [w, bits] = [dense, mask].map((values) => toMatrix(layer, Float64Array.from(values)))
  const size = w.length / groups
  return Array.from({ length: groups }, (_, g) => {
    const part = (all: Float64Array) => all.subarray(g * size, (g + 1) * size)
    const [had, kept] = [keptColumns({ bits: part(w), n }), keptColumns({ bits: part(bits), n })]
    return kept.includes(1) && had.some((bit, i) => bit > kept[i])
  }).includes(true)
}

/** The rows of a layer that share their inputs. */
interface Problem {
  name: string
  n: number
  rows: number
  w: Float64Array
  bits: Float64Array
  gram: Float64Array
}

const isKept = ({ bits, n }: Problem, row: number) => bits.subarray(row * n, (row + 1) * n).some((bit) => bit !== 0)

/** 1 for every column of which some weight is kept. */
function keptColumns({ bits, n }: Pick<Problem, 'bits' | 'n'>): Uint8Array {
  const kept = new Uint8Array(n)
  for (let i = 0; i < bits.length; i++) if (bits[i]) kept[i % n] = 1
  return kept
}

function solved(machine: Machine, problem: Problem): Float64Array {
  const { name, n, rows, w, gram } = problem
  if (!allFinite(w)) throw new UserError(`${name} has weights that are not finite: nothing was reconstructed`)
  if (!allFinite(gram)) throw new UserError(`${name} has inputs that are not finite: nothing was reconstructed`)
  const kept = keptColumns(problem)
  const columns = (wanted: number) => [...kept.keys()].filter((i) => kept[i] === wanted)
  const [stay, lost] = [columns(1), columns(0)]
  if (stay.length === 0) return w.slice() // All of it goes in the end.
  const result = w.map((x, i) => (kept[i % n] ? x : 0))
  const mean = stay.reduce((sum, i) => sum + gram[i * (n + 1)], 0) / stay.length
  if (!(mean > 0) || lost.length === 0) return result
  const k = stay.length
  const space = new Workspace(machine, 2 * (k * k + factorRoom(k) + rows * k + rows * lost.length + k * lost.length))
  const [g, cross, removed, x] = [
    space.matrix(k, k),
    space.matrix(k, lost.length),
    space.matrix(rows, lost.length),
    space.matrix(rows, k),
  ]
  fill(space.values(g), k, (a, b) => gram[stay[a] * n + stay[b]] + (a === b ? DAMP * mean : 0))
  fill(space.values(cross), lost.length, (a, b) => gram[stay[a] * n + lost[b]])
  fill(space.values(removed), lost.length, (row, b) => w[row * n + lost[b]])
  space.run([product(x, rowsOf(removed), rowsOf(cross))])
  solve(space, factorize(space, g), x)
  const added = space.values(x)
  for (let row = 0; row < rows; row++) for (let a = 0; a < k; a++) result[row * n + stay[a]] += added[row * k + a]
  return result
}

function fill(values: Float64Array, columns: number, at: (row: number, column: number) => number): void {
  for (let i = 0; i < values.length; i++) values[i] = at(Math.floor(i / columns), i % columns)
}

/** x - x is 0 but for what is not finite. */
const allFinite = (values: Float64Array): boolean => values.reduce((sum, x) => sum + (x - x), 0) === 0
