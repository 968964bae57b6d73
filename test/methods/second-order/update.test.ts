import { expect, it } from 'vitest'
import { systematicUpdates } from '../../../src/methods/second-order/update.ts'
import { columnsCase, flat, randomMasks, worstError } from '../../support/columns-case.ts'
import { dampedFisher, inverseDense, solutionError, solveDense, termSizes } from '../../support/dense.ts'
import { best } from '../../support/engines.ts'

/** The change of all weights: H delta + g mean + E' mu = 0 and delta_P = -w_P, solved as one system. */
function constrained(g: Float64Array[], w: number[], kept: number[], lambda: number, firstOrder: number): number[] {
  const n = w.length
  const removed = w.map((_, q) => q).filter((q) => kept[q] === 0)
  const h = dampedFisher(g, lambda)
  const system = [
    ...h.map((row, q) => [...row, ...removed.map((p) => Number(p === q))]),
    ...removed.map((p) => [...w.map((_, q) => Number(p === q)), ...removed.map(() => 0)]),
  ]
  const mean = w.map((_, q) => g.reduce((sum, row) => sum + row[q], 0) / g.length)
  const right = [...mean.map((x) => [-firstOrder * x]), ...removed.map((p) => [-w[p]])]
  return solveDense(system, right)
    .slice(0, n)
    .map(([x]) => x)
}

/**
 * What the changes of kept weights are to be measured by: the terms of (lambda I + F_RR)^-1 times F_RP w_P
 * and the mean gradient.
 */
function sizesOf(g: Float64Array[], w: number[], kept: number[], lambda: number, firstOrder: number): number[] {
  const h = dampedFisher(g, lambda)
  const places = [...kept.keys()].filter((q) => kept[q])
  const system = inverseDense(places.map((q) => places.map((p) => h[q][p])))
  const right = places.map((q) => {
    const removed = h[q].reduce((sum, x, p) => sum + (kept[p] ? 0 : Math.abs(x * w[p])), 0)
    return removed + firstOrder * g.reduce((sum, row) => sum + Math.abs(row[q]) / g.length, 0)
  })
  const sizes = termSizes(system, right)
  return w.map((_, q) => (kept[q] ? sizes[places.indexOf(q)] : 0))
}

// With 17 weights, few samples take the ridge form, many the kept form; damping from weak to strong.
for (const samples of [2, 8, 30, 200])
  for (const lambda of [1e-3, 1])
    for (const firstOrder of [0, 0.3, 1])
      it(`solves the constrained problem: ${samples} samples, damping ${lambda}, first-order term ${firstOrder}`, () => {
        for (const share of [0.1, 0.5, 0.9]) {
          const c = columnsCase(best, samples, samples)
          const masks = randomMasks(samples + 1, [12, 5], share)
          masks[0].set([1, 0])
          const kept = flat(masks)
          const w = flat(c.weights)
          for (const [first, g] of [
            [c.rankOne, c.g],
            [c.copy, c.rounded],
          ] as const) {
            const want = constrained(g, w, kept, lambda, firstOrder)
            const block = { samples, tensors: [first, c.stored] }
            // The last damping works in the place of the matrix, the others on copies of it.
            const [, { compensation, descent }] = systematicUpdates(c.space, block, c.weights, masks, [0.5, lambda])
            const step = flat(descent)
            const change = flat(compensation).map((x, q) => x + firstOrder * step[q])
            const changed = want.map((x, q) => x * kept[q])
            const error = worstError(change, changed, sizesOf(g, w, kept, lambda, firstOrder))
            expect(error).toBeLessThan(solutionError(g, lambda))
            // The multipliers force delta_P = -w_P, which `applyMasks` does for us.
            w.forEach((x, q) => {
              if (kept[q] === 0) expect(want[q]).toBeCloseTo(-x, 9)
            })
          }
        }
      })

it('changes nothing where nothing is kept, makes up for nothing where nothing is pruned', () => {
  const c = columnsCase(best, 1, 10)
  const block = { samples: 10, tensors: [c.rankOne, c.stored] }
  for (const bit of [0, 1]) {
    const masks = c.weights.map((w) => new Uint8Array(w.length).fill(bit))
    const [{ compensation, descent }] = systematicUpdates(c.space, block, c.weights, masks, [1e-2])
    expect(flat(compensation)).toEqual(Array(17).fill(0))
    expect(flat(descent).some((x) => x !== 0)).toBe(bit === 1)
  }
})
