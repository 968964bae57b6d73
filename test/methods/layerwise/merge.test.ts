import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type LossTraces, mergeTraces } from '../../../src/methods/layerwise/merge.ts'

/** The same without a heap. */
function slowly(traces: readonly LossTraces[], prune: number): number[][] {
  const counts = traces.map(({ losses, columns }) => new Array<number>(losses.length / columns).fill(0))
  for (let step = 0; step < prune; step++) {
    let best = { cost: Infinity, t: -1, row: -1 }
    traces.forEach(({ losses, columns }, t) => {
      counts[t].forEach((count, row) => {
        const cost = count < columns ? losses[row * columns + count] : Infinity
        if (cost < best.cost) best = { cost, t, row }
      })
    })
    counts[best.t][best.row]++
  }
  return counts
}

// Few different losses, so that there are many ties.
const trace = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 })).chain(([rows, columns]) =>
  fc.array(fc.integer({ min: 0, max: 4 }), { minLength: rows * columns, maxLength: rows * columns }).map((losses) => ({
    losses: Float64Array.from(losses),
    columns,
  })),
)

it('takes exactly as many steps as asked, each where it is cheapest, ties to the earlier row', () => {
  fc.assert(
    fc.property(
      fc.array(trace, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 100 }),
      (traces, percent) => {
        const prune = Math.round((percent / 100) * traces.reduce((sum, { losses }) => sum + losses.length, 0))
        const counts = mergeTraces(traces, prune).map((count) => [...count])
        expect(counts.flat().reduce((a, b) => a + b)).toBe(prune)
        expect(counts).toEqual(slowly(traces, prune))
      },
    ),
  )
})

it('a row whose first step is dear is left alone, whatever follows', () => {
  const traces = [{ losses: Float64Array.from([9, 0, 0, 1, 2, 3]), columns: 3 }]
  expect(mergeTraces(traces, 3)).toEqual([Uint32Array.from([0, 3])])
})

it('more steps than there are are refused', () => {
  expect(() => mergeTraces([{ losses: new Float64Array(6), columns: 3 }], 7)).toThrow('cannot prune 7 of 6 weights')
})
