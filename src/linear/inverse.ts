/**
 * @file Computes the explicit inverse of a positive definite matrix in the place of its Cholesky factor, in
 * 2/3 n^3 operations after the 1/3 n^3 of the factor, or half of it: the inverse of the factor.
 */
import { BLOCK, type CholeskyFactor, factorize, factorRoom } from './cholesky.ts'
import { product, rowsOf, transposed } from './product.ts'
import { type Matrix, part, type Workspace } from './workspace.ts'

/** Counts block rows: so many of `total` are done. */
type Progress = (done: number, total: number) => void

/**
 * Replaces the factor L of A = L L' by the lower triangle of A^-1. It takes 2 n x 128 doubles meanwhile, and
 * the factor cannot be used any more. `progress` counts block rows, 2 n / 128 in all.
 */
export function invert(space: Workspace, factor: CholeskyFactor, progress: Progress = () => {}): Matrix {
  const { n, l } = factor
  const blocks = factor.inverses.length
  const values = space.values(l)
  invertFactor(space, factor, (done) => progress(done, 2 * blocks))
  // A^-1 = X' X, block rows from the first: row I reads rows I and below of X only.
  for (let i = 0; i < blocks; i++) {
    const [from, end] = [i * BLOCK, Math.min((i + 1) * BLOCK, n)]
    space.scoped(() => {
      const row = space.matrix(end - from, end)
      const columns = (first: number, count: number) => transposed(rowsOf(part(l, from, first, n - from, count)))
      space.run([product(row, columns(from, end - from), columns(0, end))])
      const result = space.values(row)
      for (let r = from; r < end; r++) values.set(result.subarray((r - from) * end, (r - from) * end + r + 1), r * n)
    })
    progress(blocks + i + 1, 2 * blocks)
  }
  return l
}

/**
 * Replaces the factor L by its inverse X. What lies above the diagonal blocks of 128 is of no use. It takes
 * n x 128 doubles meanwhile.
 */
function invertFactor(space: Workspace, { n, l, inverses }: CholeskyFactor, progress: Progress): void {
  if (l.row !== n) throw new Error('only a whole matrix is inverted in place')
  const blocks = inverses.length
  const values = space.values(l)
  const at = (b: number) => Math.min(b * BLOCK, n)
  // Block columns from the last: X_IJ = -(sum over J < K <= I of X_IK L_KJ) X_JJ.
  for (let j = blocks - 1; j >= 0; j--) {
    const [from, size] = [at(j), at(j + 1) - at(j)]
    const below = n - from - size
    if (below > 0) {
      space.scoped(() => {
        const negated = space.matrix(below, size)
        space.values(negated).fill(0)
        const panel = part(l, from + size, from, below, size)
        space.run([
          product(negated, rowsOf(panel), transposed(rowsOf(inverses[j])), { mode: 'subtract' }),
          ...Array.from({ length: blocks - j - 1 }, (_, k) => {
            const [first, last] = [at(j + 1 + k), at(j + 2 + k)]
            const depth = last - from - size
            return product(
              part(l, first, from, last - first, size),
              rowsOf(part(l, first, from + size, last - first, depth)),
              transposed(rowsOf(part(negated, 0, 0, depth, size))),
            )
          }),
        ])
      })
    }
    const diagonal = space.values(inverses[j])
    for (let i = 0; i < size; i++) values.set(diagonal.subarray(i * size, (i + 1) * size), (from + i) * n + from)
    progress(blocks - j, blocks)
  }
}

/**
 * Doubles of a workspace that {@link inverseOf} and {@link inverseFactor} take of a matrix of n rows, with
 * that.
 */
export const inverseRoom = (n: number): number => n * n + factorRoom(n) + 2 * n * BLOCK

/**
 * The inverse of a symmetric positive definite matrix [n][n], both triangles, in a workspace. Throws as
 * {@link factorize} does.
 */
export function inverseOf(space: Workspace, a: Float64Array, n: number): Matrix {
  const matrix = space.matrix(n, n)
  const values = space.values(matrix)
  values.set(a)
  space.scoped(() => invert(space, factorize(space, matrix)))
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) values[j * n + i] = values[i * n + j]
  return matrix
}

/**
 * The upper triangular U with a positive diagonal and U' U = A^-1, of a symmetric positive definite matrix A
 * [n][n], with zeros below the diagonal, in a workspace: with J the reversal of rows and columns and J A J =
 * L L', U = J L^-1 J, so that the inverse is not formed. Throws as {@link factorize} does.
 */
export function inverseFactor(space: Workspace, a: Float64Array, n: number): Matrix {
  const matrix = space.matrix(n, n)
  const values = space.values(matrix)
  values.set(a)
  values.reverse()
  space.scoped(() => invertFactor(space, factorize(space, matrix), () => {}))
  for (let i = 0; i < n; i++) values.fill(0, i * n + i + 1, (i + 1) * n)
  values.reverse()
  return matrix
}

/** Computes y = S x for a symmetric matrix of which the lower triangle is given. */
export function symmetricProduct(space: Workspace, s: Matrix, x: Float64Array): Float64Array {
  const values = space.values(s)
  const n = s.rows
  const y = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const row = values.subarray(i * n, i * n + i)
    const xi = x[i]
    let sum = values[i * n + i] * xi
    for (let j = 0; j < i; j++) {
      sum += row[j] * x[j]
      y[j] += row[j] * xi
    }
    y[i] += sum
  }
  return y
}
