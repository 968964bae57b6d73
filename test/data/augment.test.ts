import fc from 'fast-check'
import { expect, it } from 'vitest'
import { augmentations, drawAugmentation, findAugmentation } from '../../src/data/augment.ts'
import { UserError } from '../../src/util/errors.ts'

const cifar = augmentations.cifar
const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const rows = (drawn: Float32Array) => range(drawn.length / 3).map((i) => [...drawn.subarray(3 * i, 3 * i + 3)])

/** Chi-squared of counts that should be equal, in standard deviations above its mean. */
function unevenness(counts: readonly number[]): number {
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length
  const freedom = counts.length - 1
  return (counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0) - freedom) / Math.sqrt(2 * freedom)
}

function histogram(values: readonly number[], n: number): number[] {
  const counts = new Array(n).fill(0)
  for (const value of values) counts[value]++
  return counts
}

it('a sample gets the same numbers in whatever batch it is', () => {
  const samples = fc.uniqueArray(fc.nat(2 ** 30), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(samples, fc.nat(), fc.nat(1000), (batch, seed, epoch) => {
      const together = rows(drawAugmentation(cifar, seed, epoch, batch))
      const alone = batch.map((sample) => [...drawAugmentation(cifar, seed, epoch, [sample])])
      expect(together).toEqual(alone)
      expect(rows(drawAugmentation(cifar, seed, epoch, batch.toReversed()))).toEqual(alone.toReversed())
    }),
  )
})

it('seed, epoch and sample all decide', () => {
  const samples = range(100)
  const drawn = drawAugmentation(cifar, 1, 1, samples)
  for (const other of [
    drawAugmentation(cifar, 2, 1, samples),
    drawAugmentation(cifar, 1, 2, samples),
    drawAugmentation(
      cifar,
      1,
      1,
      samples.map((i) => i + 1),
    ),
  ]) {
    // Of 162 possible triples, equal ones by chance: 0.6 of 100.
    const equal = rows(other).filter((row, i) => String(row) === String(rows(drawn)[i])).length
    expect(equal).toBeLessThan(8)
  }
})

it('offsets and flips are uniform and independent: all 162 triples are equally frequent', () => {
  const drawn = rows(drawAugmentation(cifar, 3, 0, range(162_000)))
  const triples = drawn.map(([dy, dx, flip]) => (dy * 9 + dx) * 2 + flip)
  expect(Math.abs(unevenness(histogram(triples, 162)))).toBeLessThan(4)
})

it('successive epochs and successive samples are independent', () => {
  const pairs = (a: number[][], b: number[][]) => a.map(([dy], i) => dy * 9 + b[i][0])
  const first = rows(drawAugmentation(cifar, 0, 10, range(81_000)))
  const next = rows(drawAugmentation(cifar, 0, 11, range(81_000)))
  expect(Math.abs(unevenness(histogram(pairs(first, next), 81)))).toBeLessThan(4)
  expect(Math.abs(unevenness(histogram(pairs(first, [...first.slice(1), first[0]]), 81)))).toBeLessThan(4)
  // One sample through many epochs.
  const over = range(8100).map((epoch) => drawAugmentation(cifar, 0, epoch, [7])[1])
  expect(Math.abs(unevenness(histogram(over, 9)))).toBeLessThan(4)
})

it('without padding nothing is moved, without flips nothing flipped', () => {
  const drawn = drawAugmentation(augmentations.none, 0, 0, range(50))
  expect(drawn.every((x) => x === 0)).toBe(true)
  const flips = rows(drawAugmentation(augmentations.flip, 0, 0, range(50)))
  expect(flips.every(([dy, dx]) => dy === 0 && dx === 0)).toBe(true)
  expect(new Set(flips.map(([, , flip]) => flip))).toEqual(new Set([0, 1]))
})

it('writes into the array that it is given', () => {
  const out = new Float32Array(6)
  expect(drawAugmentation(cifar, 0, 0, [4, 5], out)).toBe(out)
  expect([...out]).toEqual([...drawAugmentation(cifar, 0, 0, [4, 5])])
})

it('an unknown name suggests the nearest', () => {
  expect(findAugmentation('cifar-reflect')).toMatchObject({ pad: 4, fill: 'reflect', flip: true })
  expect(() => findAugmentation('cifer')).toThrow(
    new UserError('there is no augmentation named cifer (did you mean cifar?)'),
  )
})
