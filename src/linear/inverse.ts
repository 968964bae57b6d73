/**
 * @file Computes the explicit inverse of a positive definite matrix in the place of its Cholesky factor. It
 * takes 2/3 n^3 operations after the 1/3 n^3 of the factor.
 */
import { BLOCK, type CholeskyFactor } from './cholesky.ts'
import { product, rowsOf, transposed } from './product.ts'
import { type Matrix, part, type Workspace } from './workspace.ts'

/**
 * Replaces the factor L of A = L L' by the lower triangle of A^-1. It takes 2 n x 128 doubles meanwhile, and
 * the factor cannot be used any more. `progress` counts block rows, 2 n / 128 in all.
 */
export function invert(
  space: Workspace,
  { n, l, inverses }: CholeskyFactor,
  progress: (done: number, total: number) => void = () => {},
): Matrix {
  if (l.row !== n) throw new Error('only a whole matrix is inverted in place')
  const blocks = inverses.length
  const values = space.values(l)
  const at = (b: number) => Math.min(b * BLOCK, n)
  space.scoped(() => {
    // X = L^-1, block columns from the last: X_IJ = -(sum over J < K <= I of X_IK L_KJ) X_JJ.
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
      progress(blocks - j, 2 * blocks)
    }
    // A^-1 = X' X, block rows from the first: row I reads rows I and below of X only.
    for (let i = 0; i < blocks; i++) {
      const [from, end] = [at(i), at(i + 1)]
      space.scoped(() => {
        const row = space.matrix(end - from, end)
        const columns = (first: number, count: number) => transposed(rowsOf(part(l, from, first, n - from, count)))
        space.run([product(row, columns(from, end - from), columns(0, end))])
        const result = space.values(row)
        for (let r = from; r < end; r++) values.set(result.subarray((r - from) * end, (r - from) * end + r + 1), r * n)
      })
      progress(blocks + i + 1, 2 * blocks)
    }
  })
  return l
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
