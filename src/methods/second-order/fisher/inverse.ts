/**
 * @file The damped inverse of a block of the empirical Fisher matrix, A = (lambda I + F)^-1, without an n x n
 * matrix. With K = G G' (N x N) and lambda N I + K = L L' (Woodbury): A = (I - G' (lambda N I + K)^-1 G) /
 * lambda. This is what WoodFisher's N rank-one steps (Singh & Alistarh 2020, eq. 4) arrive at.
 */
import { type CholeskyFactor, factorize, factorRoom, solveForward, solveOne } from '../../../linear/cholesky.ts'
import { invert, symmetricProduct } from '../../../linear/inverse.ts'
import { addScaled, dot, norm } from '../../../linear/vector.ts'
import { type Matrix, part, type Workspace } from '../../../linear/workspace.ts'
import { UserError } from '../../../util/errors.ts'
import { combine, correlate, namesOf, weightsOf } from './block.ts'
import type { GramBlock, GramColumns } from './columns.ts'
import { GATHERED, gramMatrix } from './gram.ts'

/** Columns that are solved at once. */
export const COLUMNS_AT_ONCE = 256

/** A = (lambda I + F)^-1 of a block. */
export interface BlockInverse {
  /** Weights of the block. */
  readonly size: number
  /** Relative residual of a solution of the system that is solved. */
  readonly residual: number
  /** The diagonal of A, one list per tensor. `progress(done)` counts weights. */
  diagonal(progress?: (done: number) => void): Float64Array[]
  /** A u, one list per tensor. */
  apply(u: readonly Float64Array[]): Float64Array[]
}

export class DampedInverse implements BlockInverse {
  readonly #space: Workspace
  readonly #block: GramBlock
  readonly #lambda: number
  readonly #factor: CholeskyFactor
  /** (lambda N I + K)^-1 in the place of the factor, once it was needed. */
  #inverse?: Matrix
  #diagonal?: Float64Array[]
  /** Relative residual of a solution with the factor, |b - (lambda N I + K) y| / |b|. */
  readonly residual: number

  /**
   * Takes N^2 doubles and a factor's room; wrap it in `space.scoped`. Throws UserError where the system is
   * singular in float64 (lambda too small) or a gradient is not finite.
   */
  constructor(space: Workspace, block: GramBlock, lambda: number) {
    this.#space = space
    this.#block = block
    this.#lambda = lambda
    this.#factor = dampedGram(space, block, lambda)
    const b = Float64Array.from({ length: block.samples }, (_, i) => Math.cos(i))
    this.residual = norm(this.#left(b, this.#solve(b))) / norm(b)
  }

  /** Weights of the block. */
  get size(): number {
    return weightsOf(this.#block)
  }

  /**
   * (lambda N I + K)^-1 b. What the explicit inverse gives is worse by the condition of the system, which one
   * step of refinement mends.
   */
  #solve(b: Float64Array): Float64Array {
    if (!this.#inverse) return solveOne(this.#space, this.#factor, b)
    const y = symmetricProduct(this.#space, this.#inverse, b)
    addScaled(y, symmetricProduct(this.#space, this.#inverse, this.#left(b, y)), 1)
    return y
  }

  /** b - (lambda N I + K) y. */
  #left(b: Float64Array, y: Float64Array): Float64Array {
    const image = combine(this.#block, correlate(this.#block, y))
    return b.map((value, i) => value - image[i] - this.#lambda * this.#block.samples * y[i])
  }

  /**
   * The diagonal of A, one list per tensor: A_qq = (1 - G_q' (lambda N I + K)^-1 G_q) / lambda.
   * `progress(done)` counts weights.
   */
  diagonal(progress: (done: number) => void = () => {}): Float64Array[] {
    this.#diagonal ??= this.#forms(progress).map((forms) => forms.map((form) => (1 - form) / this.#lambda))
    return this.#diagonal.map((values) => values.slice())
  }

  /**
   * G_q' (lambda N I + K)^-1 G_q of all weights. Those that are solved for come first, since the explicit
   * inverse takes the factor's place.
   */
  #forms(progress: (done: number) => void): Float64Array[] {
    const { tensors } = this.#block
    const all = tensors.map(({ size }) => new Float64Array(size))
    const last = this.#byInverse()
    let done = 0
    const count = (some: number) => progress(done + some)
    tensors.forEach((tensor, t) => {
      if (last.includes(tensor)) return
      this.#solveForms(tensor, all[t], count)
      done += tensor.size
    })
    tensors.forEach((tensor, t) => {
      if (!last.includes(tensor)) return
      this.#inverse ??= invert(this.#space, this.#factor)
      tensor.quadraticForms!.compute(this.#inverse, all[t], count)
      done += tensor.size
    })
    return all
  }

  /**
   * The tensors whose forms are computed with the explicit inverse: those that it is cheaper for, or none.
   */
  #byInverse(): readonly GramColumns[] {
    const { samples, tensors } = this.#block
    const saved = ({ size, quadraticForms }: GramColumns) =>
      quadraticForms ? (size * samples ** 2) / 2 - quadraticForms.cost : 0
    const some = tensors.filter((tensor) => saved(tensor) > 0)
    const gain = some.reduce((sum, tensor) => sum + saved(tensor), 0)
    return gain > samples ** 3 / 3 ? some : []
  }

  /** The forms as |L^-1 G_q|^2. */
  #solveForms(tensor: GramColumns, forms: Float64Array, progress: (done: number) => void): void {
    const { samples } = this.#block
    const squares = new Float64Array(tensor.size)
    tensor.squares(squares)
    // A dead weight has no gradient: nothing to solve.
    const alive = Int32Array.from(squares.keys()).filter((q) => squares[q] > 0)
    this.#space.scoped(() => {
      const rows = this.#space.matrix(COLUMNS_AT_ONCE, samples)
      for (let first = 0; first < alive.length; first += COLUMNS_AT_ONCE) {
        const some = alive.subarray(first, first + COLUMNS_AT_ONCE)
        some.forEach((q, r) => {
          tensor.column(q, this.#space.row(rows, r))
        })
        solveForward(this.#space, this.#factor, part(rows, 0, 0, some.length, samples))
        some.forEach((q, r) => {
          const solved = this.#space.row(rows, r)
          forms[q] = dot(solved, solved)
        })
        if (first + some.length < alive.length) progress(first + some.length)
      }
    })
    progress(tensor.size)
  }

  /** A u = (u - G' (lambda N I + K)^-1 G u) / lambda, one list per tensor. */
  apply(u: readonly Float64Array[]): Float64Array[] {
    const back = correlate(this.#block, this.#solve(combine(this.#block, u)))
    return back.map((values, t) => values.map((value, q) => (u[t][q] - value) / this.#lambda))
  }
}

/** The Cholesky factor of lambda N I + K of a block. */
export function dampedGram(space: Workspace, block: GramBlock, lambda: number): CholeskyFactor {
  return dampedFactor(space, gramMatrix(space, block), lambda * block.samples, namesOf(block))
}

/**
 * The Cholesky factor of shift I + matrix, in its place. Throws UserError that names what the matrix is of.
 */
export function dampedFactor(space: Workspace, matrix: Matrix, shift: number, what: string): CholeskyFactor {
  const values = space.values(matrix)
  for (let i = 0; i < matrix.rows; i++) values[i * matrix.rows + i] += shift
  try {
    return factorize(space, matrix)
  } catch (error) {
    throw new UserError(
      `the Fisher matrix of ${what} cannot be inverted (${(error as Error).message}): is the damping too small, or a gradient not finite?`,
    )
  }
}

/**
 * Floats beside the columns that everything of this folder fits into, for systems of order up to N, two
 * matrices at a time; where systems are those of at most `left` < N weights, of that order, with the columns
 * of these weights in float64. Pages that are never used cost no memory.
 */
export function solverRoom(samples: number, left = samples): number {
  const order = Math.min(samples, left)
  const gathered = Math.max(3 * Math.max(GATHERED, COLUMNS_AT_ONCE), order < samples ? order : 0)
  const doubles = 2 * order * order + factorRoom(order) + gathered * samples
  return 2 * doubles + 1024
}
