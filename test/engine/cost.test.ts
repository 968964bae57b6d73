import { describe, expect, it } from 'vitest'
import { kindOf, type LayerCost, sparseGain } from '../../src/engine/cost.ts'
import { costTables } from '../../src/engine/costs/index.ts'
import { int8SparseGain } from '../../src/engine/costs/int8.ts'
import { tableOf } from '../support/cost-table.ts'

const layer = (changes: Partial<LayerCost>): LayerCost => {
  const one = { kh: 1, kw: 1, sy: 1, sx: 1, dy: 1, dx: 1 }
  return { batch: 16, in: 32, out: 24, h: 7, w: 5, oh: 7, ow: 5, ...one, ...changes }
}
const three = { kh: 3, kw: 3 }

describe('the kind of a layer', () => {
  it.each<[string, Partial<LayerCost>, string]>([
    ['3 x 3', three, 'winograd'],
    ['3 x 3 of 7 channels', { ...three, in: 7 }, 'direct'],
    ['3 x 3 to 7 channels', { ...three, out: 7 }, 'direct'],
    ['3 x 3 to one pixel', { ...three, oh: 1, ow: 1 }, 'direct'],
    ['3 x 3 with a stride in columns', { ...three, sx: 2 }, 'strided'],
    ['3 x 3 with a dilation in rows', { ...three, dy: 2 }, 'strided'],
    ['5 x 3', { kh: 5, kw: 3 }, 'direct'],
    ['1 x 1', {}, 'product'],
    ['1 x 1 with a stride', { sy: 2, sx: 2 }, 'strided'],
    ['linear', { h: 1, w: 1, oh: 1, ow: 1 }, 'linear'],
  ])('%s', (_, changes, kind) => {
    expect(kindOf(layer(changes), 16)).toBe(kind)
    const few = `few${kind[0].toUpperCase()}${kind.slice(1)}`.replace('Winograd', 'Direct')
    expect(kindOf(layer({ ...changes, batch: 1 }), 4)).toBe(few)
  })

  it('is that of few samples below the width of a vector, which differs by instruction set', () => {
    const kinds = (lanes: number) => [3, 4, 7, 8, 15, 16].map((batch) => kindOf(layer({ batch, kh: 5, kw: 5 }), lanes))
    expect(kinds(4)).toEqual(['fewDirect', ...Array(5).fill('direct')])
    expect(kinds(8)).toEqual([...Array(3).fill('fewDirect'), ...Array(3).fill('direct')])
    expect(kinds(16)).toEqual([...Array(5).fill('fewDirect'), 'direct'])
    // Winograd's algorithm takes 8 samples whatever the width.
    expect(kindOf(layer({ ...three, batch: 8 }), 16)).toBe('winograd')
  })
})

describe('a gain', () => {
  it('is the ratio of two sums', () => {
    const table = tableOf(0, 0)
    const { dense, sparse } = table.costs.forward.product
    Object.assign(dense, { multiplyAdd: 2, value: 3, weight: 5, call: 7 })
    Object.assign(sparse, { multiplyAdd: 11, value: 13, weight: 17, call: 19 })
    const [weights, pixels, batch] = [32 * 24, 35, 16]
    const multiplyAdds = weights * pixels * batch
    const values = batch * pixels * (32 + 24)
    const time = (share: number, a: number, v: number, w: number, c: number) =>
      share * (multiplyAdds * a + weights * w) + values * v + c
    const gain = sparseGain(layer({}), 0.25, 'forward', table)
    expect(gain).toBeCloseTo(time(1, 2, 3, 5, 7) / time(0.25, 11, 13, 17, 19), 12)
  })

  it('is another for a training step than for inference', () => {
    const table = { ...tableOf(1, 2) }
    const step = tableOf(1, 8).costs.step
    const both = { ...table, costs: { ...table.costs, step } }
    expect(sparseGain(layer({}), 0.25, 'forward', both)).toBe(2)
    expect(sparseGain(layer({}), 0.25, 'step', both)).toBe(0.5)
  })
})

describe.each(Object.entries(costTables))('the table of %s', (set, table) => {
  it('has the width of its vectors and a name that says whose constants it has', () => {
    const lanes = { avx512: 16, avx2: 8, webgpu: 16, float64: 8 }[set] ?? 4
    expect(table.lanes).toBe(lanes)
    const name = { neon: 'neon (as baseline)', webgpu: 'webgpu (as avx512)', float64: 'avx2' }[set] ?? set
    expect(table.name).toBe(name)
  })

  it('lets every kind of layer gain from many zeros, but for linear layers of one sample', () => {
    for (const batch of [1, 64])
      for (const changes of [three, { ...three, sx: 2 }, {}, { h: 1, w: 1, oh: 1, ow: 1 }])
        for (const pass of ['forward', 'step'] as const) {
          const one = layer({ in: 256, out: 256, batch, ...changes })
          if (kindOf(one, table.lanes) !== 'fewLinear') expect(sparseGain(one, 0.02, pass, table)).toBeGreaterThan(1.5)
        }
  })
})

it('training steps on AVX2 go by the constants that runs have gone by before', () => {
  // Densities where sparse kernels begin to pay, by hand from the constants.
  const of = (changes: Partial<LayerCost>) => (density: number) =>
    sparseGain(layer({ batch: 128, ...changes }), density, 'step', costTables.avx2)
  const resnet20 = of({ ...three, in: 16, out: 16, h: 32, w: 32, oh: 32, ow: 32 })
  const [m, v] = [128 * 16 * 16 * 9 * 1024, 128 * 32 * 1024]
  expect(resnet20(0.05)).toBeCloseTo((m * 0.015 + v * 0.84) / (0.05 * m * 0.051 + v * 0.46), 10)
  const lenet = of({ in: 784, out: 300, h: 1, w: 1, oh: 1, ow: 1 })
  expect(lenet(0.3)).toBeGreaterThan(1)
  expect(lenet(0.31)).toBeLessThan(1)
})

describe('layers of bytes', () => {
  const layer = (positions: number, share: number) => ({ positions, groups: 1000, nonzeroGroups: 1000 * share })

  it('gain from groups that are all zero, more the more of them there are', () => {
    for (const set of ['avx512', 'avx2', 'baseline', 'neon', 'wasm'] as const) {
      expect(int8SparseGain(layer(196, 0.9), set)).toBeLessThan(1.4)
      expect(int8SparseGain(layer(196, 0.344), set)).toBeGreaterThan(1)
      expect(int8SparseGain(layer(196, 0.1), set) / int8SparseGain(layer(196, 0.2), set)).toBeCloseTo(2, 10)
      expect(int8SparseGain(layer(196, 0), set)).toBe(Infinity)
    }
  })

  it('do not where there is one position, unless next to nothing is left', () => {
    expect(int8SparseGain(layer(1, 0.1), 'avx512')).toBeLessThan(1)
    expect(int8SparseGain(layer(1, 0.01), 'avx512')).toBeGreaterThan(1)
  })
})
