/** @file The choice of levels beside all choices that there are. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocate, cheapest, type Option } from '../../src/target/allocate.ts'
import { random } from '../../src/util/random.ts'

/** Every choice of one option for each layer. */
function* choices(layers: readonly (readonly Option[])[], l = 0): Generator<number[]> {
  if (l === layers.length) yield []
  else for (const rest of choices(layers, l + 1)) for (let i = 0; i < layers[l].length; i++) yield [i, ...rest]
}

/** The least loss within budgets, and undefined where nothing fits. */
function bruteForce(layers: readonly (readonly Option[])[], budgets: readonly number[]): number | undefined {
  let least: number | undefined
  for (const levels of choices(layers)) {
    const chosen = levels.map((level, l) => layers[l][level])
    const fits = budgets.every((budget, k) => chosen.reduce((sum, { costs }) => sum + costs[k], 0) <= budget)
    const loss = chosen.reduce((sum, one) => sum + one.loss, 0)
    if (fits && (least === undefined || loss < least)) least = loss
  }
  return least
}

function refuses(work: () => unknown): boolean {
  try {
    work()
    return false
  } catch (error) {
    expect((error as Error).message).toContain('the budgets cannot be met')
    return true
  }
}

/** A number whose sums are exact. */
const exact = (x: number) => Math.floor(1024 * x) / 1024

/** Losses and costs that have nothing to do with one another, of `count` layers. */
function drawn(seed: number, count: number, budgets: number): Option[][] {
  const rng = random(seed, 'options')
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + rng.below(5) }, () => ({
      loss: rng.uniform() ** 3,
      costs: Array.from({ length: budgets }, () => exact(rng.uniform() * (rng.uniform() < 0.2 ? 10 : 1))),
    })),
  )
}

describe('the least loss', () => {
  it.each([1, 2, 3])('is found within %i budgets, which are never exceeded', (count) => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 5 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (seed, n, t) => {
          const layers = drawn(seed, n, count)
          // Between the cheapest and the dearest choice.
          const budgets = Array.from({ length: count }, (_, k) => {
            const most = layers.reduce((sum, options) => sum + Math.max(...options.map(({ costs }) => costs[k])), 0)
            return cheapest(layers, k) + exact(t * (most - cheapest(layers, k)))
          })
          const least = bruteForce(layers, budgets)
          // Within budgets that are smaller by a cell for every layer nothing is better.
          const cells = [0, 10_000, 200, 40][count]
          const smaller = budgets.map((budget, k) => budget - (n * (budget - cheapest(layers, k))) / cells)
          const bound = bruteForce(layers, smaller)
          // Several budgets can each be met without there being a choice that meets all.
          if (bound === undefined && refuses(() => allocate(layers, budgets))) return
          expect(least).toBeDefined()
          const found = allocate(layers, budgets)
          const sum = (of: (option: Option) => number) =>
            found.levels.reduce((all, level, l) => all + of(layers[l][level]), 0)
          expect(found.levels).toHaveLength(n)
          expect(found.loss).toBeCloseTo(
            sum(({ loss }) => loss),
            12,
          )
          for (const [k, budget] of budgets.entries()) {
            expect(found.costs[k]).toBe(sum(({ costs }) => costs[k]))
            expect(found.costs[k]).toBeLessThanOrEqual(budget)
          }
          expect(found.loss).toBeLessThanOrEqual((bound ?? Number.POSITIVE_INFINITY) + 1e-12)
          expect(found.loss).toBeGreaterThanOrEqual(least! - 1e-12)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('of fifty layers with thirteen levels each is that of a relaxation to within a thousandth', () => {
    const rng = random(3, 'layers')
    const layers = Array.from({ length: 50 }, () => {
      const [weight, cost] = [rng.uniform() ** 2, rng.uniform() ** 2]
      return Array.from({ length: 13 }, (_, i) => ({ loss: weight * (i / 12) ** 3, costs: [cost * (1 - i / 13)] }))
    })
    const most = layers.reduce((sum, [{ costs }]) => sum + costs[0], 0)
    const { loss, costs } = allocate(layers, [most / 3])
    // Lagrange: for any price of a cost, the least of loss + price (cost - budget) is below every choice.
    const bound = Math.max(
      ...Array.from({ length: 400 }, (_, i) => {
        const price = 10 ** (i / 100 - 2)
        const least = layers.map((options) => Math.min(...options.map((o) => o.loss + price * o.costs[0])))
        return least.reduce((a, b) => a + b, 0) - (price * most) / 3
      }),
    )
    expect(costs[0]).toBeLessThanOrEqual(most / 3)
    expect(loss).toBeGreaterThanOrEqual(bound - 1e-12)
    expect(loss).toBeLessThan(1.005 * bound)
  })

  it('goes to the cheaper choice where losses are equal', () => {
    const level = (loss: number, cost: number): Option => ({ loss, costs: [cost] })
    expect(allocate([[level(1, 3), level(1, 2)], [level(0, 5)]], [100]).levels).toEqual([1, 0])
  })
})
