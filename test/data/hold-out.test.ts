import fc from 'fast-check'
import { expect, it } from 'vitest'
import { holdOut } from '../../src/data/dataset.ts'

const sizes = fc
  .integer({ min: 0, max: 300 })
  .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 0, max: count })))

it('every sample is in exactly one part, each part in ascending order', () => {
  fc.assert(
    fc.property(sizes, fc.nat(), ([count, validation], seed) => {
      const { train, validation: held } = holdOut(count, validation, seed)
      expect(held).toHaveLength(validation)
      expect([...train, ...held].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
      for (const part of [train, held]) expect([...part]).toEqual([...part].sort((a, b) => a - b))
    }),
  )
})

it('the seed decides', () => {
  expect(holdOut(100, 20, 1)).toEqual(holdOut(100, 20, 1))
  expect(holdOut(100, 20, 1)).not.toEqual(holdOut(100, 20, 2))
})

it('every sample is held out equally often', () => {
  const times = new Array(10).fill(0)
  for (let seed = 0; seed < 4000; seed++) for (const i of holdOut(10, 3, seed).validation) times[i]++
  // 1200 on average; the standard deviation is 29.
  for (const n of times) expect(Math.abs(n - 1200)).toBeLessThan(5 * 29)
})

const labelled = fc
  .array(fc.integer({ min: 0, max: 6 }), { maxLength: 300 })
  .chain((labels) => fc.tuple(fc.constant(labels), fc.integer({ min: 0, max: labels.length })))

it('stratified: the total is exact, and every class gives its share to within one sample', () => {
  fc.assert(
    fc.property(labelled, fc.nat(), ([labels, validation], seed) => {
      const { train, validation: held } = holdOut(labels.length, validation, seed, labels)
      expect(held).toHaveLength(validation)
      expect([...train, ...held].sort((a, b) => a - b)).toEqual(labels.map((_, i) => i))
      for (const part of [train, held]) expect([...part]).toEqual([...part].sort((a, b) => a - b))
      for (const label of new Set(labels)) {
        const all = labels.filter((x) => x === label).length
        const share = (all * validation) / labels.length
        expect(Math.abs([...held].filter((i) => labels[i] === label).length - share)).toBeLessThan(1)
      }
    }),
  )
})

it('stratified: 40,000 and 10,000 of CIFAR-10 are 4,000 and 1,000 of each class', () => {
  const labels = Uint8Array.from({ length: 50_000 }, (_, i) => (i * i) % 10)
  const sizes = (part: Uint32Array) => Array.from({ length: 10 }, (_, c) => part.filter((i) => labels[i] === c).length)
  const { train, validation } = holdOut(50_000, 10_000, 42, labels)
  expect(sizes(validation)).toEqual(sizes(train).map((n) => n / 4))
})

it('stratified: within a class, every sample is held out equally often', () => {
  const labels = [0, 1, 1, 0, 1, 1, 0, 1, 1, 0]
  const times = new Array(10).fill(0)
  for (let seed = 0; seed < 4000; seed++) for (const i of holdOut(10, 5, seed, labels).validation) times[i]++
  // 2000 on average; the standard deviation is 32.
  for (const n of times) expect(Math.abs(n - 2000)).toBeLessThan(5 * 32)
})
