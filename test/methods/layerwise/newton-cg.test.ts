/**
 * @file Newton steps by conjugate gradients against systems solved by elimination, and on curved functions.
 */
import { describe, expect, it } from 'vitest'
import { conjugateGradients, newtonCg, type Objective } from '../../../src/methods/layerwise/newton-cg.ts'
import { random } from '../../../src/util/random.ts'
import { randomProblem, solve } from './problems.ts'

const N = 12
const { hessian: H } = randomProblem(1, N, 3)
const rows = Array.from({ length: N }, (_, i) => [...H.subarray(i * N, (i + 1) * N)])
const times = (v: ArrayLike<number>) => Float64Array.from(rows, (row) => row.reduce((s, h, j) => s + h * v[j], 0))
const draw = random(5, 'right side')
const right = Float64Array.from({ length: N }, () => draw.normal())
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((s, x, i) => s + x * b[i], 0)

/** v'Hv / 2 - right'v. */
const quadratic: Objective = {
  evaluate: (at) => ({
    loss: dot(at, times(at)) / 2 - dot(right, at),
    gradient: times(at).map((g, i) => g - right[i]),
  }),
  hessian: () => times,
}

/** (1 - x)^2 + 100 (y - x^2)^2 (Rosenbrock 1960): its Hessian is indefinite where y is above x^2. */
const rosenbrock = (seen: number[] = []): Objective => ({
  evaluate: ([x, y]) => {
    const loss = (1 - x) ** 2 + 100 * (y - x * x) ** 2
    seen.push(loss)
    return { loss, gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)) }
  },
  hessian:
    ([x, y]) =>
    ([a, b]) =>
      Float64Array.of((2 - 400 * (y - 3 * x * x)) * a - 400 * x * b, -400 * x * a + 200 * b),
})

describe('conjugate gradients', () => {
  it.each([0, 3])('solve the system with %d on its diagonal', (damping) => {
    const damped = rows.map((row, i) => row.map((h, j) => h + (i === j ? damping : 0)))
    const expected = solve(damped, [...right])
    const found = conjugateGradients(
      times,
      right.map((g) => -g),
      damping,
      200,
    )
    const residual = found.map((_, i) => dot(damped[i], found) - right[i])
    expect(Math.sqrt(dot(residual, residual) / dot(right, right))).toBeLessThan(1e-3)
    // 1e-3 of the gradient is what ends them; the error is that over the smallest eigenvalue, at most.
    expect(Math.hypot(...expected.map((x, i) => x - found[i]))).toBeLessThan(0.05 * Math.hypot(...expected))
  })

  it('one iteration is the exact step along the gradient', () => {
    const found = conjugateGradients(
      times,
      right.map((g) => -g),
      0,
      1,
    )
    const length = dot(right, right) / dot(right, times(right))
    found.forEach((x, i) => void expect(x).toBeCloseTo(length * right[i], 12))
  })

  it('where the function curves down at once, they give the descent along the gradient', () => {
    const gradient = Float64Array.of(1, -2)
    expect([...conjugateGradients((v) => v.map((x) => -x), gradient, 0, 5)]).toEqual([-1, 2])
    expect([...conjugateGradients((v) => v.map((x) => -x), gradient, 2, 5)]).toEqual([-1, 2])
  })

  it('where it curves down later, they end with what they have', () => {
    const hessian = ([a, b]: Float64Array) => Float64Array.of(3 * a, -b)
    const found = conjugateGradients(hessian, Float64Array.of(-2, -1), 0, 5)
    expect(dot(found, [2, 1])).toBeGreaterThan(0)
    expect(found[0] / found[1]).toBeCloseTo(2, 12)
  })
})

describe('Newton steps', () => {
  it('a few of them find the minimum of a quadratic function, damped or not', () => {
    const expected = solve(rows, [...right])
    for (const damp of [0, 0.1]) {
      const { at, before, after } = newtonCg(quadratic, new Float64Array(N), { steps: 40, iterations: 100, damp })
      expect(before).toBe(0)
      expect(after).toBeCloseTo(-dot(right, expected) / 2, 6)
      expect(Math.hypot(...expected.map((x, i) => x - at[i]))).toBeLessThan(0.02 * Math.hypot(...expected))
    }
  })

  it('go down a valley that is bent, and never up', () => {
    const start = Float64Array.of(-1.2, 1)
    const options = { iterations: 10, damp: 1e-4 }
    let last = Number.POSITIVE_INFINITY
    for (const steps of [0, 1, 2, 5, 10, 60]) {
      const { after, steps: taken } = newtonCg(rosenbrock(), start, { ...options, steps })
      expect(taken).toBeLessThanOrEqual(steps)
      expect(after).toBeLessThanOrEqual(last)
      last = after
    }
    expect(last).toBeLessThan(1e-6)
    expect([...start]).toEqual([-1.2, 1])
  })

  it('start where the Hessian is indefinite', () => {
    const { before, after } = newtonCg(rosenbrock(), Float64Array.of(0, 2), { steps: 60, iterations: 10, damp: 0 })
    expect(before).toBe(401)
    expect(after).toBeLessThan(1e-6)
  })

  it('a step that lowers nothing is not taken, and is the last', () => {
    const wrong: Objective = {
      evaluate: ([x]) => ({ loss: x * x, gradient: Float64Array.of(-2 * x) }),
      hessian: () => (v) => v.map((x) => 2 * x),
    }
    const found = newtonCg(wrong, Float64Array.of(1), { steps: 9, iterations: 3, damp: 0 })
    expect(found).toEqual({ at: Float64Array.of(1), before: 1, after: 1, steps: 0 })
  })

  it('a loss of zero, and a function of nothing, take no step', () => {
    const zero = newtonCg(rosenbrock(), Float64Array.of(1, 1), { steps: 3, iterations: 3, damp: 0.01 })
    expect(zero).toMatchObject({ before: 0, after: 0, steps: 0 })
    const nothing: Objective = {
      evaluate: () => ({ loss: 2, gradient: new Float64Array(0) }),
      hessian: () => (v) => v,
    }
    expect(newtonCg(nothing, new Float64Array(0), { steps: 3, iterations: 3, damp: 0.01 }).after).toBe(2)
  })
})
