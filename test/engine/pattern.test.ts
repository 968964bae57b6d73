import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readPositions, writePattern } from '../../src/engine/pattern.ts'
import { values } from '../support/kernel-case.ts'
import { densities, emptyPattern, patternOf, randomPositions } from '../support/sparse-weights.ts'

const size = fc.integer({ min: 1, max: 9 })
const shape = fc.oneof(fc.tuple(size, size), fc.tuple(size, size, fc.constantFrom(1, 3), fc.constantFrom(1, 2, 5)))

it('says where the nonzeros are, by output and by input channel', () => {
  fc.assert(
    fc.property(shape, fc.constantFrom(...densities), values, (shape, density, rng) => {
      const positions = randomPositions(rng, shape, density)
      const pattern = patternOf(shape, positions, positions.length + 3)
      expect(readPositions(pattern, shape)).toEqual(positions)
      const [out, channels, kh = 1, kw = 1] = shape
      const kernel = kh * kw
      const found: number[] = []
      for (let i = 0; i < channels; i++)
        for (let e = pattern.tStarts[i]; e < pattern.tStarts[i + 1]; e++) {
          const [o, tap] = [Math.floor(pattern.tPlaces[e] / kernel), pattern.tPlaces[e] % kernel]
          expect(positions[pattern.tEntries[e]]).toBe((o * channels + i) * kernel + tap)
          found.push(pattern.tEntries[e])
        }
      expect(found.sort((a, b) => a - b)).toEqual([...positions.keys()])
      expect([pattern.starts[out], pattern.tStarts[channels]]).toEqual([positions.length, positions.length])
    }),
  )
})

it.each([
  [[3, 3], 'nonzero 1 is at 3, after 3, of 12 weights'],
  [[4, 2], 'nonzero 1 is at 2, after 4, of 12 weights'],
  [[-1], 'nonzero 0 is at -1, after -1, of 12 weights'],
  [[0, 12], 'nonzero 1 is at 12, after 0, of 12 weights'],
  [[0, 1, 2, 3, 4], '5 nonzeros do not fit into room for 4'],
])('refuses %j and changes nothing', (positions, message) => {
  const pattern = emptyPattern([3, 4], 4)
  writePattern(pattern, [3, 4], Int32Array.of(1, 5))
  const before = structuredClone(pattern)
  expect(() => writePattern(pattern, [3, 4], Int32Array.from(positions))).toThrow(message)
  expect(pattern).toEqual(before)
})
