import { describe, expect, it } from 'vitest'
import { chitaSupport } from '../../../src/methods/second-order/chita/formulas.ts'
import { systematicUpdates } from '../../../src/methods/second-order/update.ts'
import { type ColumnsCase, columnsCase, flat } from '../../support/columns-case.ts'
import { best } from '../../support/engines.ts'
import { allMasks } from '../../support/removal-case.ts'
import { shareOfBest } from './beside-best.ts'

/** Q by its definition, at the best weights on a support. */
function objective(c: ColumnsCase, masks: readonly ArrayLike<number>[], lambda: number, g: number): number {
  const block = { samples: c.g.length, tensors: [c.rankOne, c.stored] }
  const kept = flat(masks)
  const w = flat(c.weights)
  const [{ compensation, descent }] = systematicUpdates(c.space, block, c.weights, masks, [lambda])
  const step = flat(descent)
  const moved = flat(compensation).map((x, q) => x + g * step[q])
  const change = moved.map((delta, q) => (kept[q] ? delta : -w[q]))
  const squares = change.reduce((sum, x) => sum + x * x, 0)
  const errors = c.g.map((row) => row.reduce((sum, x, q) => sum + x * change[q], g))
  return errors.reduce((sum, x) => sum + x * x, 0) / 2 + (c.g.length * lambda * squares) / 2
}

const split = (mask: ArrayLike<number>) => [Array.from(mask).slice(0, 6), Array.from(mask).slice(6)]

describe.each([
  [1e-2, 0],
  [1e-2, 1],
  [0.03, 0.3],
])('damping %f, first-order term %f', (lambda, firstOrder) => {
  it('Q is what it says, falls with every support, and comes nearer to the best of all supports', () => {
    const shares: number[] = []
    let moved = 0
    for (let seed = 0; seed < 8; seed++) {
      const c = columnsCase(best, seed, 8, 2, 3, 4)
      const keep = 4
      const trace: number[] = []
      const options = { keep, lambda, firstOrder, iterations: 20 }
      const masks = chitaSupport(c.space, [{ samples: 8, tensors: [c.rankOne, c.stored] }], c.weights, {
        ...options,
        progress(_, q, exchanged) {
          trace.push(q)
          moved += exchanged
        },
      })
      expect(flat(masks).reduce((a, b) => a + b)).toBe(keep)
      const magnitudes = flat(c.weights).map(Math.abs)
      const least = [...magnitudes].sort((a, b) => b - a)[keep - 1]
      const start = objective(c, split(magnitudes.map((x) => Number(x >= least))), lambda, firstOrder)
      const end = objective(c, masks, lambda, firstOrder)
      const all = [...allMasks(10, 10 - keep)].map((mask) => objective(c, split(mask), lambda, firstOrder))
      shares.push(shareOfBest({ trace, start, end, all }))
    }
    expect(moved).toBeGreaterThan(3)
    // How much of what the best support saves beside the largest weights is found, in the mean.
    expect(shares.reduce((a, b) => a + b) / shares.length).toBeGreaterThan(0.3)
  })
})

it('weights that are zero may return, and blocks share the count', () => {
  const c = columnsCase(best, 2, 30)
  c.weights[1].fill(0)
  const blocks = [c.rankOne, c.stored].map((tensor) => ({ samples: 30, tensors: [tensor] }))
  const options = { keep: 9, lambda: 1e-3, firstOrder: 1, iterations: 20 }
  const masks = chitaSupport(c.space, blocks, c.weights, options)
  expect(flat(masks).reduce((a, b) => a + b)).toBe(9)
  expect(masks[1].some((bit) => bit === 1)).toBe(true)
})
