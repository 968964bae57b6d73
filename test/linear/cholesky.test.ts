import { expect, it } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { factorize, factorRoom, solve, solveForward } from '../../src/linear/cholesky.ts'
import { floatRows, product, rowsOf, transposed } from '../../src/linear/product.ts'
import { part, Workspace } from '../../src/linear/workspace.ts'
import { random } from '../../src/util/random.ts'
import { onEveryEngine } from '../support/engines.ts'

const noise = (name: string, count: number) => {
  const rng = random(3, name)
  return Float64Array.from({ length: count }, () => rng.uniform() - 0.5)
}

/** G G' + I, both triangles, and the workspace's lower triangle of it. */
function system(machine: Machine, n: number) {
  const g = noise('g', n * n)
  const full = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = i === j ? 1 : 0
      for (let l = 0; l < n; l++) sum += g[i * n + l] * g[j * n + l]
      full[i * n + j] = sum
    }
  const space = new Workspace(machine, 2 * (n * n + 4 * n + factorRoom(n)))
  const matrix = space.matrix(n, n)
  space.values(matrix).set(full)
  for (let i = 0; i < n; i++) space.values(matrix).fill(Number.NaN, i * n + i + 1, (i + 1) * n)
  return { full, space, matrix }
}

onEveryEngine((machines) => {
  it.each([1, 5, 128, 129, 300])('solves a system of order %i with small residuals', (n) => {
    let first: Float64Array | undefined
    for (const machine of machines) {
      const { full, space, matrix } = system(machine, n)
      const factor = factorize(space, matrix)
      expect(factor.pivot).toBeGreaterThanOrEqual(0.999)
      const x = space.matrix(3, n)
      const b = noise('b', 3 * n)
      space.values(x).set(b)
      solve(space, factor, x)
      const got = space.values(x)
      for (let r = 0; r < 3; r++)
        for (let i = 0; i < n; i++) {
          let sum = 0
          for (let j = 0; j < n; j++) sum += full[i * n + j] * got[r * n + j]
          expect(Math.abs(sum - b[r * n + i])).toBeLessThan(1e-9)
        }
      // The number of threads must not show, to the bit.
      first ??= Float64Array.from(got)
      expect(got).toEqual(first)
    }
  })

  it('the forward solution gives quadratic forms of the inverse', () => {
    const n = 150
    const { full, space, matrix } = system(machines[0], n)
    const factor = factorize(space, matrix)
    const [x, y] = [space.matrix(1, n), space.matrix(1, n)]
    const b = noise('b', n)
    space.values(x).set(b)
    space.values(y).set(b)
    solveForward(space, factor, x)
    solve(space, factor, y)
    const squared = space.values(x).reduce((sum, value) => sum + value * value, 0)
    const form = space.values(y).reduce((sum, value, i) => sum + value * b[i], 0)
    expect(squared).toBeCloseTo(form, 10)
    expect(full[0]).toBeGreaterThan(1)
  })

  it('refuses what is not positive definite or not finite, and names the pivot', () => {
    for (const [change, message] of [
      [-1000, /order 140 is not positive definite: a pivot is -/],
      [Number.NaN, /not positive definite: a pivot is NaN/],
    ] as const) {
      const { space, matrix } = system(machines[0], 140)
      space.values(matrix)[135 * 140 + 135] = change
      expect(() => factorize(space, matrix)).toThrow(message)
    }
  })

  it('products of float32 and float64 operands, in parts, added and subtracted', () => {
    for (const machine of machines) {
      const [m, n, k] = [200, 211, 250]
      const space = new Workspace(machine, 2 * (m * n + 40 * k) + (m + n) * k)
      const [a, b] = [space.take(m * k), space.take(n * k)]
      const [left, right] = [noise('a', m * k), noise('b', n * k)].map((values) => Float32Array.from(values))
      space.floats(a, m * k).set(left)
      space.floats(b, n * k).set(right)
      const c = space.matrix(m, n)
      space.run([
        product(c, floatRows(a, m, k), floatRows(b, n, k)),
        product(c, floatRows(a, m, k), floatRows(b, n, k), { mode: 'add' }),
        product(part(c, 0, 0, 7, n), floatRows(a, 7, k), floatRows(b, n, k), { mode: 'subtract' }),
      ])
      const d = space.matrix(7, 7)
      const corner = rowsOf(part(c, 0, 0, 7, 7))
      space.run([product(d, corner, transposed(corner))])
      const want = (i: number, j: number) => {
        let sum = 0
        for (let l = 0; l < k; l++) sum += left[i * k + l] * right[j * k + l]
        return i < 7 ? sum : 2 * sum
      }
      const got = space.values(c)
      for (let i = 0; i < m; i += 3) for (let j = 0; j < n; j += 5) expect(got[i * n + j]).toBeCloseTo(want(i, j), 10)
      let square = 0
      for (let l = 0; l < 7; l++) square += want(2, l) * want(l, 3)
      expect(space.values(d)[2 * 7 + 3]).toBeCloseTo(square, 10)
    }
  })
})

it('the reference machine agrees', () => {
  const { full, space, matrix } = system(openReference(), 130)
  const factor = factorize(space, matrix)
  const l = space.values(factor.l)
  for (const [i, j] of [
    [129, 3],
    [128, 128],
    [5, 5],
  ]) {
    let sum = 0
    for (let k = 0; k <= Math.min(i, j); k++) sum += l[i * 130 + k] * l[j * 130 + k]
    expect(sum).toBeCloseTo(full[i * 130 + j], 10)
  }
})
