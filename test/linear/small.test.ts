import { describe, expect, it } from 'vitest'
import { cholesky, solveCholesky } from '../../src/linear/small.ts'
import { random } from '../../src/util/random.ts'

/** B B' / n + I for a random B, [n][n]. */
function positive(n: number): Float64Array {
  const draw = random(n, 'matrix')
  const b = Float64Array.from({ length: n * n }, () => draw.normal())
  const a = multiply(b, transpose(b, n), n).map((x) => x / n)
  for (let i = 0; i < n; i++) a[i * n + i] += 1
  return a
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  return a.map((_, at) => {
    let sum = 0
    for (let k = 0; k < n; k++) sum += a[Math.floor(at / n) * n + k] * b[k * n + (at % n)]
    return sum
  })
}

const transpose = (a: Float64Array, n: number) => a.map((_, at) => a[(at % n) * n + Math.floor(at / n)])
const lower = (a: Float64Array, n: number) => a.map((x, at) => (at % n <= Math.floor(at / n) ? x : 0))
const distance = (a: Float64Array, b: Float64Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i])))

describe.each([1, 2, 3, 4, 5, 7, 8, 30, 65])('%d rows', (n) => {
  const a = positive(n)

  it('L has a positive diagonal and L L is the matrix; nothing above the diagonal is touched', () => {
    const l = a.map((x, at) => (at % n > Math.floor(at / n) ? Number.NaN : x))
    cholesky(l, n)
    for (let i = 0; i < n; i++) {
      expect(l[i * n + i]).toBeGreaterThan(0)
      expect(l.subarray(i * n + i + 1, (i + 1) * n).every(Number.isNaN)).toBe(true)
    }
    expect(distance(multiply(lower(l, n), transpose(lower(l, n), n), n), a)).toBeLessThan(1e-13)
  })

  it('solves', () => {
    const l = a.slice()
    cholesky(l, n)
    const x = Float64Array.from({ length: n }, (_, i) => i - 2.5)
    const b = x.map((_, i) => x.reduce((sum, value, j) => sum + a[i * n + j] * value, 0))
    solveCholesky(l, n, b)
    expect(distance(b, x)).toBeLessThan(1e-11)
  })
})

it.each([
  ['an eigenvalue of -1', [1, 2, 2, 1], 'pivot 1 is -3'],
  ['a rank of 1', [1, 1, 1, 1], 'pivot 1 is 0'],
  ['NaN', [1, 0, Number.NaN, 1], 'pivot 1 is NaN'],
  ['infinity off the diagonal', [1, 0, Infinity, 1], 'pivot 1 is'],
  ['infinity on the diagonal', [Infinity, 0, 0, 1], 'pivot 0 is Infinity'],
])('%s is refused', (_, values, message) => {
  expect(() => cholesky(Float64Array.from(values), 2)).toThrow(`not positive definite: ${message}`)
})
