/**
 * @file Solves symmetric positive definite systems by A = L L', factored by blocks (right-looking).
 * Vectors are rows of a matrix, so that everything but the diagonal blocks is a product of matrices; the
 * inverses of the diagonal blocks of L are kept for that.
 */
import { call } from '../engine/kernel.ts'
import { cholesky64 } from '../engine/kernels/matrix64.ts'
import { product, rowsOf, transposed } from './product.ts'
import { type Matrix, part, type Workspace } from './workspace.ts'

/** The order of the diagonal blocks. */
export const BLOCK = 128

/**
 * How many doubles a factor needs beside the matrix: those of the inverses of the diagonal blocks, and the
 * least pivot.
 */
export const factorRoom = (n: number): number => Math.ceil(n / BLOCK) * BLOCK * BLOCK + 1

/** The Cholesky factor L of a matrix, in its place. */
export interface CholeskyFactor {
  readonly n: number
  readonly l: Matrix
  readonly inverses: readonly Matrix[]
  /** The least square of a diagonal element of L. */
  readonly pivot: number
}

/**
 * Factors the symmetric positive definite n x n matrix whose lower triangle is given, in place; the strict
 * upper triangle is lost. It needs {@link factorRoom} doubles of the workspace. Throws where the matrix is
 * not positive definite or not finite, with the pivot at fault.
 */
export function factorize(space: Workspace, matrix: Matrix): CholeskyFactor {
  const n = matrix.rows
  const pivot = space.matrix(1, 1)
  space.values(pivot)[0] = Number.POSITIVE_INFINITY
  const inverses = blocks(n).map(({ size }) => space.matrix(size, size))
  space.run(
    blocks(n).flatMap(({ at, size }, b) => {
      const diagonal = part(matrix, at, at, size, size)
      const factor = call(cholesky64, {
        n: size,
        a: diagonal.offset,
        row: matrix.row,
        inverse: inverses[b].offset,
        pivot: pivot.offset,
      })
      const below = n - at - size
      if (below === 0) return [factor]
      const panel = part(matrix, at + size, at, below, size)
      const rest = part(matrix, at + size, at + size, below, below)
      return [
        factor,
        product(panel, rowsOf(panel), rowsOf(inverses[b])),
        product(rest, rowsOf(panel), rowsOf(panel), { mode: 'subtract', lower: true }),
      ]
    }),
  )
  const least = space.values(pivot)[0]
  if (!(least > 0 && Number.isFinite(least)))
    throw new Error(`a matrix of order ${n} is not positive definite: a pivot is ${least}`)
  return { n, l: matrix, inverses, pivot: least }
}

/** Replaces every row x by the solution y of L y = x. */
export function solveForward(space: Workspace, { n, l, inverses }: CholeskyFactor, x: Matrix): void {
  space.run(
    blocks(n).flatMap(({ at, size }, b) => {
      const solved = part(x, 0, at, x.rows, size)
      const step = product(solved, rowsOf(solved), rowsOf(inverses[b]))
      const rest = n - at - size
      if (rest === 0) return [step]
      const below = rowsOf(part(l, at + size, at, rest, size))
      return [step, product(part(x, 0, at + size, x.rows, rest), rowsOf(solved), below, { mode: 'subtract' })]
    }),
  )
}

/** Replaces every row x by the solution y of L' y = x. */
export function solveBackward(space: Workspace, { n, l, inverses }: CholeskyFactor, x: Matrix): void {
  space.run(
    blocks(n)
      .map(({ at, size }, b) => {
        const solved = part(x, 0, at, x.rows, size)
        const step = product(solved, rowsOf(solved), transposed(rowsOf(inverses[b])))
        if (at === 0) return [step]
        const left = transposed(rowsOf(part(l, at, 0, size, at)))
        return [step, product(part(x, 0, 0, x.rows, at), rowsOf(solved), left, { mode: 'subtract' })]
      })
      .reverse()
      .flat(),
  )
}

/** Replaces every row x by the solution y of A y = x. */
export function solve(space: Workspace, factor: CholeskyFactor, x: Matrix): void {
  solveForward(space, factor, x)
  solveBackward(space, factor, x)
}

/** The solution of A y = b. Takes n doubles of the workspace meanwhile. */
export function solveOne(space: Workspace, factor: CholeskyFactor, b: Float64Array): Float64Array {
  return space.scoped(() => {
    const x = space.matrix(1, b.length)
    space.values(x).set(b)
    solve(space, factor, x)
    return Float64Array.from(space.values(x))
  })
}

function blocks(n: number): { at: number; size: number }[] {
  return Array.from({ length: Math.ceil(n / BLOCK) }, (_, b) => ({
    at: b * BLOCK,
    size: Math.min(BLOCK, n - b * BLOCK),
  }))
}
