/**
 * @file Cholesky factors of small dense symmetric positive definite matrices, in float64 and in TypeScript:
 * they need no machine and serve for n up to a few thousand. A matrix is a Float64Array of n^2 values,
 * row-major. Most of the time goes into forward substitution, which handles four rows at once.
 */

/**
 * Replaces the lower triangle of a by L, a = L L'. What stands above the diagonal is neither read nor
 * written. It takes n^3 / 6 products. Throws where a is not positive definite or not finite; its lower
 * triangle is then of no use.
 */
export function cholesky(a: Float64Array, n: number): void {
  for (let top = 0; top < n; top += 4) {
    const end = Math.min(top + 4, n)
    substitute(a, n, a, top, end, 0, top)
    for (let i = top; i < end; i++)
      for (let j = top; j <= i; j++) {
        let sum = a[i * n + j]
        for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k]
        if (j < i) a[i * n + j] = sum / a[j * n + j]
        else if (sum > 0 && sum < Infinity) a[i * n + i] = Math.sqrt(sum)
        else throw new Error(`the matrix of ${n} rows is not positive definite: pivot ${i} is ${sum}`)
      }
  }
}

/** Replaces b (n values) by the solution x of L L' x = b. */
export function solveCholesky(l: Float64Array, n: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i]
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * b[k]
    b[i] = sum / l[i * n + i]
  }
  for (let i = n - 1; i >= 0; i--) {
    b[i] /= l[i * n + i]
    for (let k = 0; k < i; k++) b[k] -= l[i * n + k] * b[i]
  }
}

/**
 * Forward substitution: replaces columns from ... to - 1 of up to four rows of b by the solutions y of L y =
 * b, for each row as a column; earlier columns of it are zero or solved already. Missing rows repeat the last
 * one, which computes the same values twice.
 */
function substitute(
  l: Float64Array,
  n: number,
  b: Float64Array,
  top: number,
  end: number,
  from: number,
  to: number,
): void {
  const [r0, r1, r2, r3] = [0, 1, 2, 3].map((r) => Math.min(top + r, end - 1) * n)
  for (let j = from; j < to; j++) {
    const row = j * n
    let s0 = b[r0 + j]
    let s1 = b[r1 + j]
    let s2 = b[r2 + j]
    let s3 = b[r3 + j]
    for (let k = from; k < j; k++) {
      const factor = l[row + k]
      s0 -= factor * b[r0 + k]
      s1 -= factor * b[r1 + k]
      s2 -= factor * b[r2 + k]
      s3 -= factor * b[r3 + k]
    }
    const scale = 1 / l[row + j]
    b[r0 + j] = s0 * scale
    b[r1 + j] = s1 * scale
    b[r2 + j] = s2 * scale
    b[r3 + j] = s3 * scale
  }
}
