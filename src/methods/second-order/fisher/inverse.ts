/**
 * @file The damped inverse of a block of the empirical Fisher matrix, A = (lambda I + F)^-1, without an n x n
 * matrix. With K = G G' (N x N) and lambda N I + K = L L' (Woodbury): A = (I - G' (lambda N I + K)^-1 G) /
 * lambda. This is what WoodFisher's N rank-one steps (Singh & Alistarh 2020, eq. 4) arrive at.
 */
import { type Factor, factorize, factorRoom, solveForward, solveOne } from '../../../linear/cholesky.ts'
import { invert, symmetricProduct } from '../../../linear/inverse.ts'
import { norm } from '../../../linear/vector.ts'
import { type Matrix, part, type Workspace } from '../../../linear/workspace.ts'
import { UserError } from '../../../util/errors.ts'
import type { GramColumns } from './columns.ts'

/** Columns that are solved at once. */
export const COLUMNS_AT_ONCE = 256

export interface Block {
  readonly samples: number
  readonly tensors: readonly GramColumns[]
}

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
  readonly #block: Block
  readonly #lambda: number
  readonly #factor: Factor
  /** (lambda N I + K)^-1 in the place of the factor, once it was needed. */
  #inverse?: Matrix
  #diagonal?: Float64Array[]
  /** Relative residual of a solution with the factor, |b - (lambda N I + K) y| / |b|. */
  readonly residual: number

  /**
   * Takes N^2 doubles and a factor's room; wrap it in `space.scoped`. Weights whose `active` (one list per
   * tensor) is 0 are left out. Throws UserError where the system is singular in float64 (lambda too small) or
   * a gradient is not finite.
   */
  constructor(space: Workspace, block: Block, lambda: number, active?: readonly ArrayLike<number>[]) {
    this.#space = space
    this.#block = block
    this.#lambda = lambda
    this.#factor = dampedGram(space, block, lambda, active)
    const b = Float64Array.from({ length: block.samples }, (_, i) => Math.cos(i))
    const left = Float64Array.from(b)
    const y = this.solve(b)
    block.tensors.forEach((tensor, t) => {
      const sums = new Float64Array(tensor.size)
      tensor.correlate(y, sums)
      if (active) for (let q = 0; q < sums.length; q++) if (active[t][q] === 0) sums[q] = 0
      const image = new Float64Array(block.samples)
      tensor.combine(sums, image)
      for (let i = 0; i < left.length; i++) left[i] -= image[i]
    })
    for (let i = 0; i < left.length; i++) left[i] -= lambda * block.samples * y[i]
    this.residual = norm(left) / norm(b)
  }

  /** Weights of the block. */
  get size(): number {
    return this.#block.tensors.reduce((sum, { size }) => sum + size, 0)
  }

  /** (lambda N I + K)^-1 b. */
  solve(b: Float64Array): Float64Array {
    if (this.#inverse) return symmetricProduct(this.#space, this.#inverse, b)
    return solveOne(this.#space, this.#factor, b)
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
    let done = 0
    for (const explicit of [false, true])
      tensors.forEach((tensor, t) => {
        if (!!tensor.quadraticForms !== explicit) return
        const count = (some: number) => progress(done + some)
        if (tensor.quadraticForms) {
          this.#inverse ??= invert(this.#space, this.#factor)
          tensor.quadraticForms(this.#inverse, all[t], count)
        } else this.#solveForms(tensor, all[t], count)
        done += tensor.size
      })
    return all
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
      const values = this.#space.values(rows)
      const column = new Float32Array(samples)
      for (let first = 0; first < alive.length; first += COLUMNS_AT_ONCE) {
        const some = alive.subarray(first, first + COLUMNS_AT_ONCE)
        some.forEach((q, r) => {
          tensor.column(q, column)
          values.set(column, r * samples)
        })
        solveForward(this.#space, this.#factor, part(rows, 0, 0, some.length, samples))
        some.forEach((q, r) => {
          forms[q] = norm(values.subarray(r * samples, (r + 1) * samples)) ** 2
        })
        if (first + some.length < alive.length) progress(first + some.length)
      }
    })
    progress(tensor.size)
  }

  /** A u = (u - G' (lambda N I + K)^-1 G u) / lambda, one list per tensor. */
  apply(u: readonly Float64Array[]): Float64Array[] {
    const { samples, tensors } = this.#block
    const image = new Float64Array(samples)
    tensors.forEach((tensor, t) => {
      tensor.combine(u[t], image)
    })
    const y = this.solve(image)
    return tensors.map((tensor, t) => {
      const back = new Float64Array(tensor.size)
      tensor.correlate(y, back)
      return back.map((value, q) => (u[t][q] - value) / this.#lambda)
    })
  }
}

/** The Cholesky factor of lambda N I + K of a block's (active) weights. */
export function dampedGram(
  space: Workspace,
  block: Block,
  lambda: number,
  active?: readonly ArrayLike<number>[],
): Factor {
  return dampedFactor(space, gramOf(space, block, active), lambda * block.samples, namesOf(block))
}

/** The lower triangle of K = G G' of a block's (active) weights. */
export function gramOf(space: Workspace, { samples, tensors }: Block, active?: readonly ArrayLike<number>[]): Matrix {
  const k = space.matrix(samples, samples)
  space.values(k).fill(0)
  tensors.forEach((tensor, t) => {
    tensor.addGram(k, active?.[t])
  })
  return k
}

export const namesOf = ({ tensors }: Block): string => tensors.map(({ name }) => name).join(', ')

/**
 * The Cholesky factor of shift I + matrix, in its place. Throws UserError that names what the matrix is of.
 */
export function dampedFactor(space: Workspace, matrix: Matrix, shift: number, what: string): Factor {
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
 * Floats beside the columns that everything of this folder fits into, for systems of order up to N, two at a
 * time. Pages that are never used cost no memory.
 */
export function solverRoom(samples: number): number {
  const doubles = 2 * samples * samples + factorRoom(samples) + 3 * COLUMNS_AT_ONCE * samples
  const gathered = (samples + COLUMNS_AT_ONCE) * samples
  return 2 * doubles + gathered + 1024
}
