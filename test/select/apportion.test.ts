import fc from 'fast-check'
import { expect, it } from 'vitest'
import { apportion } from '../../src/select/apportion.ts'

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const part = fc.record({
  share: fc.oneof(fc.constantFrom(0, 1, 1), fc.double({ min: 1e-6, max: 1e6, noNaN: true })),
  capacity: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1e6 })),
})
const cases = fc.array(part, { minLength: 1, maxLength: 8 }).chain((parts) => {
  const capacities = parts.map(({ capacity }) => capacity)
  const total = fc.oneof(fc.constantFrom(0, sum(capacities)), fc.integer({ min: 0, max: sum(capacities) }))
  return fc.record({ shares: fc.constant(parts.map(({ share }) => share)), capacities: fc.constant(capacities), total })
})

it('always sums to the total, in whole numbers within capacities', () => {
  fc.assert(
    fc.property(cases, ({ shares, capacities, total }) => {
      const counts = apportion(total, shares, capacities)
      expect(sum(counts)).toBe(total)
      counts.forEach((count, i) => {
        expect(Number.isInteger(count) && count >= 0 && count <= capacities[i]).toBe(true)
      })
    }),
    { numRuns: 1000 },
  )
})

it('parts that are not full differ from proportion by less than one', () => {
  fc.assert(
    fc.property(cases, ({ shares, capacities, total }) => {
      const counts = apportion(total, shares, capacities)
      const open = counts.map((_, i) => i).filter((i) => counts[i] < capacities[i] && shares[i] > 0)
      // What one unit of share is worth: equal, within the rounding of one count, for all of them.
      for (const i of open)
        for (const j of open) expect((counts[i] - 1) / shares[i]).toBeLessThanOrEqual((counts[j] + 1) / shares[j])
      // And a full part would have got at least as much.
      for (const i of open)
        for (let j = 0; j < counts.length; j++)
          if (counts[j] === capacities[j] && shares[j] > 0)
            expect((counts[j] - 1) / shares[j]).toBeLessThanOrEqual((counts[i] + 1) / shares[i])
    }),
    { numRuns: 1000 },
  )
})

const room = [100, 100, 100]
it.each<[string, number, number[], number[], number[]]>([
  ['what divides evenly', 10, [2, 2, 1], room, [4, 4, 2]],
  ['the largest fraction gets what is left', 10, [1, 1, 1.5], room, [3, 3, 4]],
  ['the largest fraction is not the first', 10, [13, 25, 62], room, [1, 3, 6]],
  ['fractions in an order of their own', 100, [10.2, 20.7, 30.5, 38.6], [99, 99, 99, 99], [10, 21, 30, 39]],
  ['ties go to the earlier part', 11, [1, 1, 1], room, [4, 4, 3]],
  ['a full part leaves the rest to the others', 10, [8, 1, 1], [3, 100, 100], [3, 4, 3]],
  ['filling one can fill the next', 12, [100, 10, 1], [4, 5, 100], [4, 5, 3]],
  ['no share, nothing', 10, [1, 0, 1], room, [5, 0, 5]],
  ['no share, but the others are full', 10, [1, 0, 1], [3, 100, 3], [3, 4, 3]],
  ['no shares at all: by capacity', 8, [0, 0], [12, 4], [6, 2]],
  ['nothing', 0, [1, 2, 3], room, [0, 0, 0]],
  ['everything', 9, [5, 1], [2, 7], [2, 7]],
])('%s', (_, total, shares, capacities, expected) => {
  expect(apportion(total, shares, capacities)).toEqual(expected)
})

it('more than fits is refused', () => {
  expect(() => apportion(8, [1, 1], [3, 4])).toThrow('cannot place 8 into parts that hold 7')
})
