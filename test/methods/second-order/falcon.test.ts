/** @file FALCON's choice of weights under two budgets, against all supports of small cases. */
import { describe, expect, it } from 'vitest'
import { chitaSupport } from '../../../src/methods/second-order/chita/formulas.ts'
import { falconSupport } from '../../../src/methods/second-order/falcon/formulas.ts'
import { systematicUpdates } from '../../../src/methods/second-order/update.ts'
import { type ColumnsCase, columnsCase, flat } from '../../support/columns-case.ts'
import { best } from '../../support/engines.ts'
import { shareOfBest } from './beside-best.ts'

/** Q by its definition, at the best weights on a support. */
function objective(c: ColumnsCase, masks: readonly ArrayLike<number>[], lambda: number, g: number): number {
  const block = { samples: c.g.length, tensors: [c.rankOne, c.stored] }
  const kept = flat(masks)
  const w = flat(c.weights)
  const [{ compensation, descent }] = systematicUpdates(c.space, block, c.weights, masks, [lambda])
  const step = flat(descent)
  const change = flat(compensation).map((x, q) => (kept[q] ? x + g * step[q] : -w[q]))
  const errors = c.g.map((row) => row.reduce((sum, x, q) => sum + x * change[q], g))
  const squares = (list: readonly number[]) => list.reduce((sum, x) => sum + x * x, 0)
  return squares(errors) / 2 + (c.g.length * lambda * squares(change)) / 2
}

const FIRST = 6
const split = (mask: ArrayLike<number>) => [Array.from(mask).slice(0, FIRST), Array.from(mask).slice(FIRST)]
const countOf = (masks: readonly ArrayLike<number>[]) => flat(masks).reduce((a, b) => a + b, 0)
const costOf = (masks: readonly ArrayLike<number>[], costs: readonly number[]) =>
  masks.reduce((sum, mask, t) => sum + costs[t] * countOf([mask]), 0)

/** Supports of `size` weights that both budgets allow. */
function* allowed(size: number, keep: number, costs: readonly number[], most: number) {
  for (let bits = 0; bits < 1 << size; bits++) {
    const masks = split(Array.from({ length: size }, (_, i) => (bits >> i) & 1))
    if (countOf(masks) <= keep && costOf(masks, costs) <= most) yield masks
  }
}

describe.each([
  [1e-2, 0],
  [1e-2, 1],
  [0.03, 0.3],
])('damping %f, first-order term %f', (lambda, firstOrder) => {
  it('both budgets hold, Q falls with every support, and comes nearer to the best of all that they allow', () => {
    const [costs, keep, most] = [[5, 1], 5, 13]
    const shares: number[] = []
    let accepted = 0
    for (let seed = 0; seed < 8; seed++) {
      const c = columnsCase(best, seed, 8, 2, 3, 4)
      const blocks = [{ samples: 8, tensors: [c.rankOne, c.stored] }]
      const trace: number[] = []
      const masks = falconSupport(c.space, blocks, c.weights, {
        keep,
        costs,
        most,
        lambda,
        firstOrder,
        iterations: 20,
        progress: (_, q) => void trace.push(q),
      })
      expect(countOf(masks)).toBeLessThanOrEqual(keep)
      expect(costOf(masks, costs)).toBeLessThanOrEqual(most)
      accepted += trace.length - 1
      const end = objective(c, masks, lambda, firstOrder)
      // It starts from the largest sum of w^2 that both budgets allow.
      const sum = (some: readonly ArrayLike<number>[]) => {
        const w = flat(c.weights)
        return flat(some).reduce((total, bit, q) => total + bit * w[q] ** 2, 0)
      }
      const supports = [...allowed(FIRST + 4, keep, costs, most)]
      const heaviest = supports.reduce((a, b) => (sum(b) > sum(a) ? b : a))
      const start = objective(c, heaviest, lambda, firstOrder)
      const all = supports.map((some) => objective(c, some, lambda, firstOrder))
      shares.push(shareOfBest({ trace, start, end, all }))
    }
    expect(accepted).toBeGreaterThan(1)
    expect(shares.reduce((a, b) => a + b) / shares.length).toBeGreaterThan(0.3)
  })
})

it('without a budget of multiply-adds it starts where CHITA does, and both lower Q', () => {
  const c = columnsCase(best, 3, 30)
  const blocks = [c.rankOne, c.stored].map((tensor) => ({ samples: 30, tensors: [tensor] }))
  const first: number[] = []
  const last: number[] = []
  const progress = (iteration: number, q: number) => {
    if (iteration === 0) first.push(q)
    else last.push(q)
  }
  const options = { keep: 9, lambda: 1e-3, firstOrder: 1, iterations: 20, progress }
  const masks = falconSupport(c.space, blocks, c.weights, { ...options, costs: [0, 0], most: Number.POSITIVE_INFINITY })
  expect(countOf(masks)).toBe(9)
  expect(last.at(-1)).toBeLessThan(first[0])
  chitaSupport(c.space, blocks, c.weights, options)
  expect(first[1]).toBe(first[0])
})

it('weights that are zero may return', () => {
  const c = columnsCase(best, 2, 30)
  c.weights[1].fill(0)
  const blocks = [c.rankOne, c.stored].map((tensor) => ({ samples: 30, tensors: [tensor] }))
  const masks = falconSupport(c.space, blocks, c.weights, {
    keep: 9,
    costs: [4, 1],
    most: 30,
    lambda: 1e-3,
    firstOrder: 1,
    iterations: 20,
  })
  expect(masks[1].some((bit) => bit === 1)).toBe(true)
  expect(costOf(masks, [4, 1])).toBeLessThanOrEqual(30)
})
