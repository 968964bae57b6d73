import { expect, it } from 'vitest'
import { systematicUpdates } from '../../../src/methods/second-order/update.ts'
import { columnsCase, distance, flat, randomMasks } from '../../support/columns-case.ts'
import { dampedFisher, solveDense } from '../../support/dense.ts'
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
          const want = constrained(c.g, flat(c.weights), kept, lambda, firstOrder)
          for (const first of [c.rankOne, c.copy]) {
            const block = { samples, tensors: [first, c.stored] }
            // The last damping works in the place of the matrix, the others on copies of it.
            const [, { compensation, descent }] = systematicUpdates(c.space, block, c.weights, masks, [0.5, lambda])
            const step = flat(descent)
            const change = flat(compensation).map((x, q) => x + firstOrder * step[q])
            expect(
              distance(
                change,
                want.map((x, q) => x * kept[q]),
              ),
            ).toBeLessThan(1e-5)
          }
          // The multipliers force delta_P = -w_P, which `applyMasks` does for us.
          flat(c.weights).forEach((w, q) => {
            if (kept[q] === 0) expect(want[q]).toBeCloseTo(-w, 9)
          })
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
