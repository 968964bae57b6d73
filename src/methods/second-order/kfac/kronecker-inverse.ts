/**
 * @file K-FAC (Martens & Grosse 2015, arXiv 1503.05671): for a linear layer of P outputs and Q inputs, whose
 * sample gradients are d x', the Fisher matrix is taken for the Kronecker product of S = mean of d d' and X =
 * mean of x x', as if d and x were independent. Both are damped by their share of lambda, (S + sqrt(lambda) /
 * pi I) and (X + pi sqrt(lambda) I), and the inverse is the Kronecker product of their inverses.
 */
import { factorRoom } from '../../../linear/cholesky.ts'
import { invert } from '../../../linear/inverse.ts'
import { product, rowsOf } from '../../../linear/product.ts'
import type { Matrix, Workspace } from '../../../linear/workspace.ts'
import type { GramBlock } from '../fisher/columns.ts'
import { type BlockInverse, dampedFactor } from '../fisher/inverse.ts'
import type { SampleRows } from '../fisher/sample-rows.ts'

export interface KroneckerOptions {
  /**
   * Whether pi^2 is the mean of X's diagonal over that of S's, so that both are damped by the same share of
   * themselves; else pi = 1, as the published code has it by default.
   */
  balanced: boolean
}

export class KroneckerInverse implements BlockInverse {
  readonly size: number
  /** Nothing is solved approximately here that a residual could tell of. */
  readonly residual = 0
  readonly #space: Workspace
  /** (S + ..)^-1 and (X + ..)^-1, whole. */
  readonly #left: Matrix
  readonly #right: Matrix

  /**
   * Of the block of one linear layer. Takes {@link kroneckerRoom} of the workspace; wrap it in
   * `space.scoped`. Throws UserError where a damped factor is singular in float64 or a gradient is not
   * finite.
   */
  constructor(space: Workspace, { samples, tensors }: GramBlock, lambda: number, { balanced }: KroneckerOptions) {
    const [tensor] = tensors
    const factors = tensor.factors
    if (tensors.length !== 1 || !factors)
      throw new Error(`${tensors.map(({ name }) => name).join(', ')}: K-FAC needs a block for each linear layer`)
    this.#space = space
    this.size = tensor.size
    const [left, right] = [factors.left, factors.right].map((rows) => meanProduct(space, rows, samples))
    const mean = (matrix: Matrix) => trace(space, matrix) / matrix.rows
    const pi = balanced && mean(left) > 0 && mean(right) > 0 ? Math.sqrt(mean(right) / mean(left)) : 1
    this.#left = inverseOf(space, left, Math.sqrt(lambda) / pi, `the outputs of ${tensor.name}`)
    this.#right = inverseOf(space, right, Math.sqrt(lambda) * pi, `the inputs of ${tensor.name}`)
  }

  /** The products of both diagonals. */
  diagonal(progress: (done: number) => void = () => {}): Float64Array[] {
    const [left, right] = [this.#left, this.#right]
    const rows = this.#space.values(left)
    const columns = this.#space.values(right)
    const q = right.rows
    const diagonal = new Float64Array(this.size)
    for (let i = 0; i < left.rows; i++)
      for (let j = 0; j < q; j++) diagonal[i * q + j] = rows[i * left.rows + i] * columns[j * q + j]
    progress(this.size)
    return [diagonal]
  }

  /** (S + ..)^-1 U (X + ..)^-1, U being u as a P x Q matrix. */
  apply([u]: readonly Float64Array[]): Float64Array[] {
    const space = this.#space
    const [p, q] = [this.#left.rows, this.#right.rows]
    return space.scoped(() => {
      const [given, half, result] = [space.matrix(p, q), space.matrix(q, p), space.matrix(p, q)]
      space.values(given).set(u)
      // A product takes rows of both sides: (X^-1 U')' and then S^-1 times that.
      space.run([product(half, rowsOf(this.#right), rowsOf(given)), product(result, rowsOf(this.#left), rowsOf(half))])
      return [space.values(result).slice()]
    })
  }
}

/** The mean over the samples of the products of rows: R x R, the lower triangle. */
function meanProduct(space: Workspace, rows: SampleRows, samples: number): Matrix {
  const matrix = space.matrix(rows.count, rows.count)
  const values = space.values(matrix)
  values.fill(0)
  space.run([product(matrix, rows.lines, rows.lines)])
  for (let i = 0; i < values.length; i++) values[i] /= samples
  return matrix
}

function trace(space: Workspace, matrix: Matrix): number {
  const values = space.values(matrix)
  let sum = 0
  for (let i = 0; i < matrix.rows; i++) sum += values[i * matrix.rows + i]
  return sum
}

/** (shift I + matrix)^-1 in its place, both triangles. */
function inverseOf(space: Workspace, matrix: Matrix, shift: number, what: string): Matrix {
  const inverse = space.scoped(() => invert(space, dampedFactor(space, matrix, shift, what)))
  const values = space.values(inverse)
  const n = inverse.rows
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) values[j * n + i] = values[i * n + j]
  return inverse
}

/** Floats of a workspace that the inverses of layers of these shapes [P, Q] take, one at a time. */
export function kroneckerRoom(shapes: readonly (readonly [number, number])[]): number {
  const doubles = shapes.map(([p, q]) => {
    const order = Math.max(p, q)
    return p * p + q * q + Math.max(factorRoom(order) + 2 * 128 * order, 3 * p * q)
  })
  return 2 * Math.max(0, ...doubles) + 64
}
