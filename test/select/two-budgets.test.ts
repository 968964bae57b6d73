/** @file Selection under two budgets, against all selections of small cases and bounds of large ones. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { selectTop } from '../../src/select/top.ts'
import { type Budgets, selectWithin } from '../../src/select/two-budgets.ts'
import { random } from '../../src/util/random.ts'

interface Case extends Budgets {
  scores: readonly (readonly number[])[]
  costs: readonly number[]
}

function selected({ scores, costs, count, cost }: Case): number[][] {
  const masks = scores.map(({ length }) => new Float32Array(length).fill(Number.NaN))
  selectWithin(
    scores.map((tensor) => Float64Array.from(tensor)),
    costs,
    { count, cost },
    masks,
  )
  return masks.map((mask) => [...mask])
}

/** What a selection comes to. */
function told({ scores, costs }: Pick<Case, 'scores' | 'costs'>, masks: readonly (readonly number[])[]) {
  let [sum, count, cost] = [0, 0, 0]
  masks.forEach((mask, t) => {
    mask.forEach((bit, i) => {
      if (bit === 0) return
      sum += scores[t][i]
      count++
      cost += costs[t]
    })
  })
  return { sum, count, cost }
}

/** The largest sum of all selections, one by one. */
function bruteForce({ scores, costs, count, cost }: Case): number {
  const items = scores.flatMap((tensor, t) => tensor.map((score) => ({ score, cost: costs[t] })))
  let best = 0
  for (let bits = 0; bits < 1 << items.length; bits++) {
    const some = items.filter((_, i) => (bits >> i) & 1)
    const spent = some.reduce((sum, item) => sum + item.cost, 0)
    if (some.length > count || spent > cost) continue
    best = Math.max(
      best,
      some.reduce((sum, { score }) => sum + score, 0),
    )
  }
  return best
}

/**
 * An upper bound of the sum: the dual of the relaxation at a price, min over prices of price F + the S
 * largest of max(0, s - price f). The minimum of this convex function lies where two scores are worth the
 * same, or one nothing: all of those prices are tried.
 */
function relaxed({ scores, costs, count, cost }: Case): number {
  const items = scores.flatMap((tensor, t) => tensor.map((score) => ({ score, cost: costs[t] })))
  const prices = [0]
  for (const a of items) {
    prices.push(a.score / a.cost)
    for (const b of items) if (a.cost !== b.cost) prices.push((a.score - b.score) / (a.cost - b.cost))
  }
  const at = (price: number) =>
    items
      .map((item) => Math.max(0, item.score - price * item.cost))
      .sort((a, b) => b - a)
      .slice(0, count)
      .reduce((sum, x) => sum + x, price * cost)
  return Math.min(...prices.filter((price) => price >= 0).map(at))
}

const smallCase = fc
  .record({
    scores: fc.array(fc.array(fc.oneof(fc.nat({ max: 6 }), fc.double({ min: 0, max: 9, noNaN: true }))), {
      minLength: 1,
      maxLength: 4,
    }),
    costs: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4, maxLength: 4 }),
    count: fc.nat({ max: 12 }),
    cost: fc.nat({ max: 60 }),
  })
  .map(({ scores, costs, ...budgets }) => {
    const short = scores.map((tensor) => tensor.slice(0, 3))
    return { scores: short, costs: costs.slice(0, short.length), ...budgets }
  })

describe('small cases', () => {
  it('keep both budgets, and come to within one score of the best selection and of the relaxation', () => {
    let [exact, all] = [0, 0]
    fc.assert(
      fc.property(smallCase, (one) => {
        const { sum, count, cost } = told(one, selected(one))
        expect(count).toBeLessThanOrEqual(one.count)
        expect(cost).toBeLessThanOrEqual(one.cost)
        const [best, bound] = [bruteForce(one), relaxed(one)]
        const largest = Math.max(0, ...one.scores.flat())
        expect(sum).toBeLessThanOrEqual(best + 1e-9)
        expect(best).toBeLessThanOrEqual(bound + 1e-9)
        expect(bound - sum).toBeLessThanOrEqual(largest + 1e-9)
        all++
        if (sum > best - 1e-9) exact++
      }),
      { numRuns: 300 },
    )
    expect(exact / all).toBeGreaterThan(0.8)
  })

  it('leave no score out that both budgets have room for', () => {
    fc.assert(
      fc.property(smallCase, (one) => {
        const masks = selected(one)
        const { count, cost } = told(one, masks)
        masks.forEach((mask, t) => {
          if (count < one.count && cost + one.costs[t] <= one.cost) expect(mask).not.toContain(0)
        })
      }),
    )
  })

  it('are the largest scores where those fit, negative ones too', () => {
    const tensor = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.array(tensor, { minLength: 1, maxLength: 4 }), fc.nat({ max: 12 }), (scores, wanted) => {
        const costs = scores.map((_, t) => 1 + ((3 * t) % 4))
        const count = Math.min(wanted, scores.flat().length)
        const masks = scores.map(({ length }) => new Float64Array(length))
        selectTop(
          scores.map((values) => Float64Array.from(values)),
          count,
          masks,
        )
        const top = masks.map((mask) => [...mask])
        const { cost } = told({ scores, costs }, top)
        expect(selected({ scores, costs, count, cost })).toEqual(top)
      }),
    )
  })
})

it('a case by hand: the dear layer gives way as its multiply-adds do not fit', () => {
  const scores = [
    [9, 8, 1],
    [7, 5, 2],
  ]
  const of = (count: number, cost: number) => selected({ scores, costs: [10, 1], count, cost })
  // 9 + 8 + 7 costs 21.
  expect(of(3, 21)).toEqual([
    [1, 1, 0],
    [1, 0, 0],
  ])
  // 9 + 7 + 5 = 21 for 12, where 9 + 8 would be 17 for 20.
  expect(of(3, 20)).toEqual([
    [1, 0, 0],
    [1, 1, 0],
  ])
  // One of the dear layer costs more than there is; two are all that count.
  expect(of(2, 9)).toEqual([
    [0, 0, 0],
    [1, 1, 0],
  ])
  // 12 of 13: what is left pays for the last of the cheap layer.
  expect(of(6, 13)).toEqual([
    [1, 0, 0],
    [1, 1, 1],
  ])
  expect(of(0, 100).flat()).toEqual([0, 0, 0, 0, 0, 0])
  expect(of(6, 0).flat()).toEqual([0, 0, 0, 0, 0, 0])
})

it('of equals the cheaper goes first, then the earlier tensor and the lower index', () => {
  const scores = [
    [2, 2],
    [2, 2],
    [2, 2],
  ]
  expect(selected({ scores, costs: [5, 3, 3], count: 3, cost: 9 })).toEqual([
    [0, 0],
    [1, 1],
    [1, 0],
  ])
  // All of the first would fit in the second's place, and count no more.
  expect(selected({ scores, costs: [5, 3, 3], count: 3, cost: 12 })).toEqual([
    [0, 0],
    [1, 1],
    [1, 0],
  ])
})

it('infinite scores are selected first, those of minus infinity never', () => {
  const [yes, no] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const scores = [
    [yes, 9, no],
    [no, 4, yes],
  ]
  const of = (count: number, cost: number) => selected({ scores, costs: [10, 1], count, cost })
  expect(of(4, 12)).toEqual([
    [1, 0, 0],
    [0, 1, 1],
  ])
  expect(of(6, 100)).toEqual([
    [1, 1, 0],
    [0, 1, 1],
  ])
  expect(() => of(4, 10)).toThrow('scores that have to be selected exceed a budget')
})

it('what costs nothing takes the count only', () => {
  expect(selected({ scores: [[5], [3, 2]], costs: [4, 0], count: 2, cost: 3 })).toEqual([[0], [1, 1]])
})

it('scores of 0 and below are left out as long as others fit, and fill what is left', () => {
  const scores = [
    [4, -1],
    [-2, -3],
  ]
  expect(selected({ scores, costs: [6, 1], count: 3, cost: 8 })).toEqual([
    [1, 0],
    [1, 1],
  ])
  expect(selected({ scores, costs: [6, 1], count: 2, cost: 8 })).toEqual([
    [1, 0],
    [1, 0],
  ])
})

it('large cases come to within one score of the relaxation, whatever the spread of scores', () => {
  for (const [seed, power] of [1, 12].entries()) {
    const draw = random(seed, 'two budgets')
    const [costs, sizes] = [
      [1024, 256, 64, 1],
      [280, 1000, 4000, 13],
    ]
    const scores = sizes.map((size) => Array.from({ length: size }, () => draw.uniform() ** power))
    const dense = sizes.reduce((sum, size, t) => sum + size * costs[t], 0)
    for (const share of [0.3, 0.05]) {
      const one = { scores, costs, count: 1600, cost: Math.floor(share * dense) }
      const { sum, count, cost } = told(one, selected(one))
      expect(count).toBeLessThanOrEqual(one.count)
      expect(cost).toBeLessThanOrEqual(one.cost)
      // The dual at any price is a bound: of those near the best one, the lowest.
      let [low, high] = [0, 0.02]
      for (let i = 0; i < 40; i++) {
        const [a, b] = [low + (high - low) / 3, high - (high - low) / 3]
        if (dualAt(one, a) < dualAt(one, b)) high = b
        else low = a
      }
      const bound = dualAt(one, (low + high) / 2)
      expect(bound - sum).toBeGreaterThan(-1e-6)
      expect(bound - sum).toBeLessThan(1)
    }
  }
})

function dualAt({ scores, costs, count, cost }: Case, price: number): number {
  const worth = new Float64Array(scores.flat().length)
  let at = 0
  scores.forEach((tensor, t) => {
    for (const score of tensor) worth[at++] = score - price * costs[t]
  })
  return worth
    .sort()
    .slice(-count)
    .reduce((sum, x) => sum + Math.max(0, x), price * cost)
}
