import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorOf, fitCost, type Observation } from '../../src/calibrate/fit.ts'
import { type Amounts, timeOf } from '../../src/engine/cost.ts'
import { random } from '../../src/util/random.ts'

const KEYS = ['multiplyAdd', 'value', 'weight', 'call'] as const

/** Layers whose sizes are spread over several orders of magnitude. */
function layers(count: number): Amounts[] {
  const rng = random(1, 'fit')
  const between = (low: number, high: number) => 10 ** (low + (high - low) * rng.uniform())
  return Array.from({ length: count }, () => ({
    multiplyAdd: between(4, 8),
    value: between(2, 6),
    weight: between(2, 6),
    call: 1,
  }))
}

const observe = (amounts: readonly Amounts[], cost: Amounts, noise: (i: number) => number = () => 1): Observation[] =>
  amounts.map((one, i) => ({ amounts: one, nanoseconds: noise(i) * timeOf(cost, one) }))

describe('constants of measured times', () => {
  it('are those that made them', () => {
    const cost = { multiplyAdd: 0.03, value: 0.4, weight: 2, call: 900 }
    const fit = fitCost(observe(layers(40), cost))
    for (const key of KEYS) expect(fit[key] / cost[key]).toBeCloseTo(1, 6)
    expect(fit.error).toBeLessThan(1e-9)
  })

  it('count errors relative to each time: small layers are explained as well as large ones', () => {
    const cost = { multiplyAdd: 0.03, value: 0.4, weight: 2, call: 900 }
    const fit = fitCost(observe(layers(200), cost, (i) => (i % 2 ? 1.1 : 0.9)))
    expect(fit.error).toBeGreaterThan(0.05)
    expect(fit.error).toBeLessThan(0.101)
    for (const key of KEYS) expect(Math.abs(fit[key] / cost[key] - 1)).toBeLessThan(0.15)
  })

  it('are never negative: the least error among such fulfils the Kuhn-Tucker conditions', () => {
    const positive = fc.double({ min: 1e-3, max: 1e3, noNaN: true })
    const observation = fc.record({
      amounts: fc.record({ multiplyAdd: positive, value: positive, weight: positive, call: fc.constant(1) }),
      nanoseconds: positive,
    })
    fc.assert(
      fc.property(fc.array(observation, { minLength: 8, maxLength: 20 }), (observations) => {
        const fit = fitCost(observations)
        const rest = observations.map(({ amounts, nanoseconds }) => timeOf(fit, amounts) / nanoseconds - 1)
        for (const key of KEYS) {
          const column = observations.map(({ amounts, nanoseconds }) => amounts[key] / nanoseconds)
          const gradient = column.reduce((sum, value, i) => sum + value * rest[i], 0)
          const scale = Math.hypot(...column) * Math.sqrt(observations.length)
          expect(fit[key]).toBeGreaterThanOrEqual(0)
          if (fit[key] > 0) expect(Math.abs(gradient) / scale).toBeLessThan(1e-5)
          else expect(gradient / scale).toBeGreaterThan(-1e-5)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('explain best what counts most', () => {
    const amounts = { multiplyAdd: 1e6, value: 0, weight: 0, call: 0 }
    const one = { amounts, nanoseconds: 1e6 }
    const slower = { amounts, nanoseconds: 2e6 }
    const alike = fitCost([one, slower]).multiplyAdd
    // The least of (x - 1)^2 + (x / 2 - 1)^2, and of the first term 100 times.
    expect(alike).toBeCloseTo(1.2, 10)
    expect(fitCost([{ ...one, weight: 100 }, slower]).multiplyAdd).toBeCloseTo(100.5 / 100.25, 10)
  })

  it('leave out what does not help, and what is the same as another', () => {
    const amounts = layers(20).map((one) => ({ ...one, value: 3 * one.multiplyAdd }))
    const cost = { multiplyAdd: 0.03, value: 0, weight: 0, call: 0 }
    const fit = fitCost(observe(amounts, cost))
    expect(fit.error).toBeLessThan(1e-6)
    expect(fit.multiplyAdd + 3 * fit.value).toBeCloseTo(0.03, 8)
  })

  it('have the error that they say', () => {
    const observations = observe(layers(30), { multiplyAdd: 0.1, value: 1, weight: 0, call: 10 }, (i) => 1 + (i % 3))
    const fit = fitCost(observations)
    expect(errorOf(fit, observations)).toBe(fit.error)
    expect(fit.error).toBeGreaterThan(0.1)
  })
})
