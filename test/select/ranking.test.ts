import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Ranking } from '../../src/select/ranking.ts'

const keys = fc.array(fc.oneof(fc.constantFrom(-1, -0, 0, 1, Infinity, -Infinity), fc.double({ noNaN: true })), {
  minLength: 1,
  maxLength: 60,
})

it('agrees with a sort by key, then by item, wherever one looks first', () => {
  fc.assert(
    fc.property(keys, fc.array(fc.nat()), fc.nat(), (values, looks, seed) => {
      const items = values.map((_, i) => i).filter((i) => (seed >> (i % 5)) % 2 === 0)
      const sorted = items.toSorted((a, b) => (values[a] === values[b] ? a - b : values[a] - values[b]))
      const ranking = new Ranking(Float64Array.from(values), Int32Array.from(items).reverse())
      expect(ranking.length).toBe(items.length)
      for (const look of items.length ? looks : [])
        expect(ranking.at(look % items.length)).toBe(sorted[look % items.length])
      expect(items.map((_, place) => ranking.at(place))).toEqual(sorted)
    }),
    { numRuns: 500 },
  )
})
