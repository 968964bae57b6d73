import { expect, it } from 'vitest'
import { factorize, factorRoom } from '../../src/linear/cholesky.ts'
import { inverseFactor, inverseOf, inverseRoom, invert, symmetricProduct } from '../../src/linear/inverse.ts'
import { Workspace } from '../../src/linear/workspace.ts'
import { random } from '../../src/util/random.ts'
import { inverseDense } from '../support/dense.ts'
import { onEveryEngine } from '../support/engines.ts'

interface Inverted {
  full: number[][]
  want: number[][]
}
const made = new Map<number, Inverted>()

/** A positive definite matrix [n, n] and its inverse, made once for all engines. */
function positiveDefinite(n: number): Inverted {
  const before = made.get(n)
  if (before) return before
  const draw = random(n, 'inverse')
  const g = Array.from({ length: n }, () => Float64Array.from({ length: n }, () => draw.uniform() - 0.5))
  const full = g.map((a, i) => g.map((b, j) => a.reduce((sum, x, k) => sum + x * b[k], i === j ? 1 : 0)))
  const inverted = { full, want: inverseDense(full) }
  made.set(n, inverted)
  return inverted
}

onEveryEngine((machines) => {
  it.each([1, 5, 127, 128, 129, 300])('inverts a matrix of order %i', (n) => {
    const { full, want } = positiveDefinite(n)
    let first: Float64Array | undefined
    for (const machine of machines) {
      const space = new Workspace(machine, 2 * (n * n + factorRoom(n) + 3 * n * 128))
      const matrix = space.matrix(n, n)
      full.forEach((row, i) => void space.values(matrix).set(row, i * n))
      // Only the lower triangle is read.
      for (let i = 0; i < n; i++) space.values(matrix).fill(Number.NaN, i * n + i + 1, (i + 1) * n)
      const steps: number[] = []
      const inverse = invert(space, factorize(space, matrix), (done, total) => steps.push(done / total))
      const values = space.values(inverse)
      const lower = Float64Array.from({ length: n * n }, (_, at) => (at % n <= Math.floor(at / n) ? values[at] : 0))
      let off = 0
      for (let i = 0; i < n; i++)
        for (let j = 0; j <= i; j++) off = Math.max(off, Math.abs(lower[i * n + j] - want[i][j]))
      expect(off).toBeLessThan(1e-10)
      expect(steps.at(-1)).toBe(1)
      const x = Float64Array.from({ length: n }, (_, i) => Math.cos(i))
      symmetricProduct(space, inverse, x).forEach((y, i) => {
        expect(y).toBeCloseTo(
          want[i].reduce((sum, a, j) => sum + a * x[j], 0),
          9,
        )
      })
      first ??= lower
      // The number of threads must not show, to the bit.
      expect(Buffer.compare(Buffer.from(lower.buffer), Buffer.from(first.buffer))).toBe(0)
    }
  })

  it.each([1, 2, 5, 128, 129, 140])('the inverse of order %i as a whole, and its upper factor', (n) => {
    const { full, want: rows } = positiveDefinite(n)
    const want = rows.flat()
    const a = Float64Array.from(full.flat())
    const before = a.slice()
    for (const machine of machines) {
      const space = new Workspace(machine, 2 * (inverseRoom(n) + n * n))
      const found = Float64Array.from(space.values(inverseOf(space, a, n)))
      const u = space.values(inverseFactor(space, a, n))
      const row = (i: number) => u.subarray(i * n, (i + 1) * n)
      let [off, below, apart] = [0, 0, 0]
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          apart = Math.max(apart, Math.abs(found[i * n + j] - found[j * n + i]))
          let product = 0
          for (let k = 0; k <= Math.min(i, j); k++) product += row(k)[i] * row(k)[j]
          off = Math.max(off, Math.abs(found[i * n + j] - want[i * n + j]), Math.abs(product - want[i * n + j]))
          if (j < i) below = Math.max(below, Math.abs(u[i * n + j]))
        }
      expect([off < 1e-10, below, apart]).toEqual([true, 0, 0])
      for (let i = 0; i < n; i++) expect(u[i * n + i]).toBeGreaterThan(0)
    }
    expect(a).toEqual(before)
  })

  it('what is not positive definite is refused', () => {
    const space = new Workspace(machines[0], 4 * inverseRoom(3))
    const a = Float64Array.of(1, 2, 0, 2, 1, 0, 0, 0, 1)
    expect(() => inverseFactor(space, a, 3)).toThrow('a matrix of order 3 is not positive definite')
    expect(() => inverseOf(space, a, 3)).toThrow('a matrix of order 3 is not positive definite')
  })
})
