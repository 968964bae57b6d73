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
