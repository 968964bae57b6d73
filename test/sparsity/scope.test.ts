import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keptCount } from '../../src/sparsity/count.ts'
import { erkDensities, type Layer, scopes } from '../../src/sparsity/scope.ts'

const layersOf = (...shapes: number[][]): Layer[] => shapes.map((shape, i) => ({ name: `l${i}`, shape }))
const sizes = (layers: readonly Layer[]) => layers.map(({ shape }) => shape.reduce((a, b) => a * b))
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const lenet = layersOf([300, 784], [100, 300], [10, 100])

const shape = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 4 })
const networks = fc.array(shape, { minLength: 1, maxLength: 6 }).map((shapes) => layersOf(...shapes))
const sparsity = fc.oneof(fc.constantFrom(0, 0.5, 0.9, 0.99, 1), fc.double({ min: 0, max: 1, noNaN: true }))

it('global: one group, the exact total', () => {
  fc.assert(
    fc.property(networks, sparsity, (layers, s) => {
      expect(scopes.global.groups(layers, s)).toEqual([{ layers, keep: keptCount(sum(sizes(layers)), s) }])
    }),
  )
})

it('layerwise: a group per layer, each with its exact share', () => {
  fc.assert(
    fc.property(networks, sparsity, (layers, s) => {
      const expected = layers.map((layer, i) => ({ layers: [layer], keep: keptCount(sizes(layers)[i], s) }))
      expect(scopes.layerwise.groups(layers, s)).toEqual(expected)
    }),
  )
})

it('uniform: the same density in every layer, and the exact total', () => {
  fc.assert(
    fc.property(networks, sparsity, (layers, s) => {
      const groups = scopes.uniform.groups(layers, s)
      expect(sum(groups.map(({ keep }) => keep))).toBe(keptCount(sum(sizes(layers)), s))
      const density = keptCount(sum(sizes(layers)), s) / sum(sizes(layers))
      groups.forEach(({ keep }, i) => {
        expect(Math.abs(keep - density * sizes(layers)[i])).toBeLessThan(1 + 1e-6)
      })
    }),
  )
})

describe('ERK', () => {
  const counts = (layers: readonly Layer[], s: number) => scopes.erk.groups(layers, s).map(({ keep }) => keep)

  it('densities by hand: no layer is full', () => {
    // Raw (out + in) / (out in): 1084 / 235200, 400 / 30000, 110 / 1000; times the size: 1084 + 400 + 110 =
    // 1594.
    const epsilon = 13_310 / 1594
    const [a, b, c] = erkDensities(lenet, 13_310)
    expect(a).toBeCloseTo((epsilon * 1084) / 235_200, 12)
    expect(b).toBeCloseTo((epsilon * 400) / 30_000, 12)
    expect(c).toBeCloseTo((epsilon * 110) / 1000, 12)
    // 9051.47, 3340.03 and 918.51 by proportion: one weight is left, for the largest fraction.
    expect(counts(lenet, 0.95)).toEqual([9051, 3340, 919])
  })

  it('densities by hand: a full layer leaves its surplus to the others', () => {
    // At 90 %, 26620 / 1594 x 110 = 1837 weights for the last layer, which has 1000: (26620 - 1000) / 1484
    // for the others.
    const [a, b, c] = erkDensities(lenet, 26_620)
    expect(c).toBe(1)
    expect(a).toBeCloseTo((25_620 / 1484) * (1084 / 235_200), 12)
    expect(b).toBeCloseTo((25_620 / 1484) * (400 / 30_000), 12)
    expect(counts(lenet, 0.9)).toEqual([18_714, 6906, 1000])
  })

  it('a convolution counts its kernel: sum of all four sizes over their product', () => {
    const [conv, fc1] = erkDensities(layersOf([8, 4, 3, 3], [10, 20]), 50)
    expect(conv / fc1).toBeCloseTo(18 / 288 / (30 / 200), 12)
  })

  it('keeps the exact total, and no layer more than it has', () => {
    fc.assert(
      fc.property(networks, sparsity, (layers, s) => {
        const kept = counts(layers, s)
        expect(sum(kept)).toBe(keptCount(sum(sizes(layers)), s))
        kept.forEach((count, i) => {
          expect(count >= 0 && count <= sizes(layers)[i]).toBe(true)
        })
      }),
      { numRuns: 500 },
    )
  })

  it('is within one weight of its densities', () => {
    fc.assert(
      fc.property(networks, sparsity, (layers, s) => {
        const densities = erkDensities(layers, keptCount(sum(sizes(layers)), s))
        counts(layers, s).forEach((count, i) => {
          expect(Math.abs(count - densities[i] * sizes(layers)[i])).toBeLessThan(1 + 1e-6)
        })
      }),
      { numRuns: 500 },
    )
  })

  it('a layer with fewer weights left than its share passes the difference on', () => {
    const [first, second, last] = lenet
    const left = [{ ...first }, { ...second, left: 3000 }, { ...last, left: 917 }]
    // 13310 - 3917 remain for the first layer.
    expect(counts(left, 0.95)).toEqual([9393, 3000, 917])
  })
})
