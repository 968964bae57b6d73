/** @file SRigL: fan-in and ablation by hand, and what holds for every event. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { movedPositions, type Rewiring, type SparseLayer } from '../../../src/methods/rewiring/rewiring.ts'
import { srigl } from '../../../src/methods/rewiring/srigl.ts'
import { random } from '../../../src/util/random.ts'

interface Situation {
  rule: Rewiring
  layer: SparseLayer
  gradient: number[]
  outputLayer?: string
  normalized?: boolean
  elapsed?: number
}

function event({ rule, layer, gradient, outputLayer = '', normalized = false, elapsed = 0 }: Situation) {
  const [{ pruned, grown }] = rule.event([layer], {
    step: 1,
    rate: 0.1,
    elapsed,
    owed: 0,
    normalized,
    outputLayer,
    draw: (name) => random(0, name),
    gradient: () => Float64Array.from(gradient),
  })
  return { pruned: [...pruned], grown: [...grown] }
}

const layerOf = (rows: number, columns: number, weights: Record<number, number>): SparseLayer => ({
  name: 'a',
  length: 1,
  rows,
  size: rows * columns,
  positions: Int32Array.from(Object.keys(weights), Number),
  values: Float64Array.from(Object.values(weights)),
})

describe('SRigL, by hand: three outputs of four places, two of six weights to go', () => {
  const make = (salient: number) => srigl.make({ seed: 0, fraction: 0.34, salient })
  const layer = layerOf(3, 4, { 0: 5, 1: 4, 4: 3, 5: -0.2, 8: 0.1, 9: -0.3 })
  const gradient = [0, 0, 7, 1, 0, 6, 0, 2, 0.5, 0, 0, -0.9]

  it('without ablation every output grows what it lost', () => {
    // 5 and 8 go; 5 grows again, and 11 of its row.
    const expected = { pruned: [3, 4], grown: [5, 11] }
    expect(event({ rule: make(0), layer, gradient })).toEqual(expected)
    expect(event({ rule: make(1), layer, gradient, outputLayer: 'a' })).toEqual(expected)
  })

  it('an output with too few salient places loses its weights to the others', () => {
    // Salient are the weights 0, 1, 4, 9 and the gradients 2, 5: 3, 2 and 1 of the outputs. It takes two.
    // The third loses both weights, so that 5 may stay, and the others get a third weight each: 2 and 7.
    expect(event({ rule: make(1), layer, gradient })).toEqual({ pruned: [4, 5], grown: [2, 7] })
    // One is asked for.
    expect(event({ rule: make(0.5), layer, gradient })).toEqual({ pruned: [3, 4], grown: [5, 11] })
  })

  it('by rows the gradients of all outputs count alike', () => {
    const steep = gradient.map((g, place) => (place < 8 ? g : 1000 * g))
    const found = (growth?: 'row' | 'gradient', normalized = false) =>
      event({
        rule: srigl.make({ seed: 0, fraction: 0.34, salient: 1, growth }),
        layer,
        gradient: steep,
        normalized,
      })
    // 8 and 11 have the largest gradients, and the second output is left with one salient place.
    const byGradient = { pruned: [2, 3], grown: [2, 11] }
    for (const moves of [found('gradient', true), found()]) expect(moves).toEqual(byGradient)
    // Over the root mean square of their rows 2 has 1.98, 5 has 1.90 and 11 has 1.75.
    for (const moves of [found('row'), found(undefined, true)]) expect(moves).toEqual({ pruned: [4, 5], grown: [2, 7] })
  })

  describe('after an output was ablated', () => {
    const ablated = layerOf(3, 4, { 0: 5, 1: 4, 2: 3, 4: 2, 5: 1, 6: 0.5 })
    const waking = [0, 0, 0, 1, 0, 0, 3, 0, 9, 8, 0, 0]
    const restored = (salient: number) => {
      const rule = make(salient)
      rule.restore({ a: 6 })
      return rule
    }

    it('it comes back where its gradients are large, and another one goes', () => {
      // Salient: 0, 1, 2, 4 and 8, 9. The second output has one place only.
      expect(event({ rule: restored(1), layer: ablated, gradient: waking })).toEqual({
        pruned: [3, 4, 5],
        grown: [8, 9, 10],
      })
    })

    it('outputs give up what is more than the fan-in', () => {
      // All stay with two weights each: 2 goes though it is among the largest, and 6 grows again.
      expect(event({ rule: restored(0.5), layer: ablated, gradient: waking })).toEqual({
        pruned: [2, 4, 5],
        grown: [6, 8, 9],
      })
    })
  })

  it('as many outputs stay as the weights need', () => {
    // Nine weights need three outputs of four places, though the third has nothing salient but one weight.
    const full = layerOf(3, 4, { 0: 9, 1: 8, 2: 7, 4: 6, 5: 5, 6: 4, 8: 3, 9: 0.2, 10: 0.1 })
    const moves = event({ rule: make(1), layer: full, gradient: [0, 0, 0, 9, 0, 0, 0, 9, 1, 1, 1, 2] })
    // 0.34 of nine are three: 3, 0.2 and 0.1, all of the third.
    expect(moves).toEqual({ pruned: [6, 7, 8], grown: [8, 9, 11] })
  })

  it('weights that are zero go, however many there are', () => {
    const unmoved = layerOf(3, 4, { 0: 5, 1: 0, 4: 3, 5: 0, 8: 0, 9: -0.3 })
    expect(event({ rule: make(0), layer: unmoved, gradient }).pruned).toEqual([1, 3, 4])
  })

  it('the share falls like a cosine', () => {
    const wide = layerOf(1, 1000, Object.fromEntries(Array.from({ length: 500 }, (_, i) => [i, i + 1])))
    const counts = [0, 0.5, 1].map((elapsed) => {
      const rule = srigl.make({ seed: 0, fraction: 0.4 })
      return event({ rule, layer: wide, gradient: Array(1000).fill(1), elapsed }).pruned.length
    })
    expect(counts).toEqual([200, 100, 0])
  })
})

it('SRigL: after every event all outputs with weights have equally many, as many as fit into the number at the start', () => {
  const ablations = { some: 0 }
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 2, max: 12 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(),
      (rows, columns, density, salient, seed) => {
        const draw = random(seed, 'srigl')
        const fanIn = Math.min(columns - 1, 1 + Math.floor(density * columns))
        const rule = srigl.make({ seed: 0, fraction: 0.5, salient })
        const places = Array.from({ length: rows }, (_, row) =>
          Array.from(draw.permutation(columns).subarray(0, fanIn), (place) => row * columns + place),
        )
        let layer = layerOf(rows, columns, Object.fromEntries(places.flat().map((place) => [place, draw.normal()])))
        for (let step = 0; step < 8; step++) {
          const gradient = Array.from({ length: rows * columns }, () => draw.normal() ** 3)
          const moves = event({ rule, layer, gradient, elapsed: step / 8 })
          const positions = movedPositions(layer, {
            pruned: Int32Array.from(moves.pruned),
            grown: Int32Array.from(moves.grown),
          })
          expect(positions.every((p, e) => p < layer.size && (e === 0 || p > positions[e - 1]))).toBe(true)
          const counts = new Map<number, number>()
          for (const place of positions) {
            const row = Math.floor(place / columns)
            counts.set(row, (counts.get(row) ?? 0) + 1)
          }
          if (counts.size < rows) ablations.some++
          expect(new Set(counts.values())).toEqual(
            new Set([Math.min(columns, Math.floor((fanIn * rows) / counts.size))]),
          )
          layer = { ...layer, positions, values: Float64Array.from(positions, () => draw.normal()) }
        }
      },
    ),
  )
  expect(ablations.some).toBeGreaterThan(0)
})

it('SRigL: one that goes on from a state does as the other', () => {
  const [one, other] = [srigl.make({ seed: 0 }), srigl.make({ seed: 0 })]
  const gradient = Array.from({ length: 12 }, (_, i) => i)
  event({ rule: one, layer: layerOf(3, 4, { 0: 1, 1: 2, 4: 3, 5: 4, 8: 5, 9: 6 }), gradient })
  other.restore(JSON.parse(JSON.stringify(one.state())))
  // Four weights are there, but six belong to the tensor.
  const layer = layerOf(3, 4, { 4: 3, 5: 4, 8: 5, 9: 6 })
  const moves = event({ rule: other, layer, gradient })
  expect(moves).toEqual(event({ rule: one, layer, gradient }))
  expect(moves.grown.length - moves.pruned.length).toBe(2)
})
