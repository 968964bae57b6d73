import { describe, expect, it } from 'vitest'
import { rewiredLayer } from '../../../src/methods/rewiring/event.ts'
import { growInLayer } from '../../../src/methods/rewiring/growth.ts'
import { idlePlaces } from '../../../src/methods/rewiring/idle.ts'
import { rigl } from '../../../src/methods/rewiring/rigl.ts'
import { isNormalized, rowNormalized } from '../../../src/methods/rewiring/row-normalized.ts'
import { snfs } from '../../../src/methods/rewiring/snfs.ts'
import { findModel } from '../../../src/models/index.ts'
import { random } from '../../../src/util/random.ts'

/** Two outputs of four places each; the gradients of the second are a thousand times as large. */
const layer = {
  name: 'a',
  length: 1,
  rows: 2,
  size: 8,
  positions: Int32Array.of(0, 1, 4, 5),
  values: Float64Array.of(1, 0.1, 1, 0.1),
}
const gradient = () => Float32Array.of(1, 1, 2, 3, 1000, 1000, 1500, 1000)
const context = {
  step: 1,
  rate: 0.1,
  elapsed: 0,
  owed: 0,
  outputLayer: '',
  draw: (name: string) => random(0, name),
  gradient,
}

describe('growth by rows', () => {
  it('is |gradient| over the root mean square of its row', () => {
    const [a, b] = [Math.SQRT2 / 5, Math.SQRT2 / 10]
    const found = rowNormalized(Float64Array.of(3, -4, 0, 0, -6, 8), 3)
    for (const [i, value] of [3 * a, -4 * a, 0, 0, -6 * b, 8 * b].entries()) expect(found[i]).toBeCloseTo(value, 14)
  })

  it('of RigL goes where an input is lacking, whatever the scale of its output', () => {
    const grown = (settings: { growth?: 'row' | 'gradient' }, normalized: boolean) => {
      const [moves] = rigl.make({ fraction: 0.5, seed: 0, ...settings }).event([layer], { ...context, normalized })
      expect([...moves.pruned]).toEqual([1, 3])
      return [...moves.grown]
    }
    // Of the first row 3 is 1.55 times its rms and 2 is 1.03 times; of the second, 1500 is 1.3 times its.
    expect(grown({ growth: 'row' }, false)).toEqual([3, 6])
    expect(grown({ growth: 'gradient' }, true)).toEqual([5, 6])
    expect(grown({}, true)).toEqual([3, 6])
    expect(grown({}, false)).toEqual([5, 6])
  })

  it('of SNFS decides the parts of tensors too', () => {
    const small = { ...layer, name: 'b' }
    const scaled = (name: string) => gradient().map((g) => (name === 'b' ? g / 1e6 : g))
    const counts = (growth: 'row' | 'gradient') =>
      snfs
        .make({ fraction: 0.5, seed: 0, growth })
        .event([layer, small], { ...context, normalized: true, gradient: scaled })
        .map(({ grown }) => grown.length)
    expect(counts('row')).toEqual([2, 2])
    expect(counts('gradient')).toEqual([4, 0])
  })

  it('is chosen where a normalization follows a layer that is sparse', () => {
    expect(isNormalized(findModel('mnist-mlp-bn'), ['fc1.weight'])).toBe(true)
    expect(isNormalized(findModel('lenet-300-100'), ['fc1.weight'])).toBe(false)
    expect(isNormalized(findModel('resnet20'), ['layer1.0.conv1.weight'])).toBe(true)
    expect(isNormalized(findModel('resnet20'), ['fc.weight'])).toBe(false)
  })
})

describe('growth at random', () => {
  const idle = Int32Array.of(0, 2, 3, 9)

  it('leaves out places whose input never varies, while there are others', () => {
    for (let seed = 0; seed < 50; seed++) {
      const grown = growInLayer(random(seed, 'growth'), { size: 10, idle }, Int32Array.of(0, 1, 8), 4)
      expect([...grown]).toEqual([4, 5, 6, 7])
      const more = growInLayer(random(seed, 'growth'), { size: 10, idle }, Int32Array.of(0, 1, 8), 7)
      expect([...more]).toEqual([2, 3, 4, 5, 6, 7, 9])
    }
  })

  it('knows the pixels that never vary, where a linear layer sees them', () => {
    const images = new Uint8Array(3 * 784).fill(7)
    images[784 + 5] = 8
    images[2 * 784 + 9] = 0
    const data = { train: { count: 3, images, labels: new Uint8Array(3) }, image: [1, 28, 28] as const }
    const places = idlePlaces(findModel('mlpnet'), data)
    expect([...places.keys()]).toEqual(['fc1.weight'])
    const found = new Set(places.get('fc1.weight'))
    expect(found.size).toBe(40 * 782)
    for (const row of [0, 1, 39]) for (const pixel of [5, 9]) expect(found.has(row * 784 + pixel)).toBe(false)
    expect(idlePlaces(findModel('lenet-5'), data).size).toBe(0)
  })
})

it('the record of an event counts outputs: with weights, with new ones, with half of those', () => {
  const wide = { ...layer, rows: 4, size: 16, positions: Int32Array.of(0, 1, 4, 12), values: new Float64Array(4) }
  const grown = Int32Array.of(2, 3, 5, 6, 7, 12)
  const record = rewiredLayer(wide, { pruned: Int32Array.of(3), grown }, Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 12))
  expect(record).toEqual({
    name: 'a',
    pruned: 1,
    grown: 6,
    weights: 9,
    before: 4 / 16,
    after: 9 / 16,
    rows: 4,
    aliveRows: 3,
    grownRows: 3,
    halfRows: 1,
  })
})
