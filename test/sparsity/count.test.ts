import fc from 'fast-check'
import { expect, it } from 'vitest'
import { keptCount, truncatedCount } from '../../src/sparsity/count.ts'

it.each([
  [0, 0.9, 0],
  [10, 0, 10],
  [10, 1, 0],
  [10, 0.9, 1],
  [10, 0.94, 1],
  [10, 0.96, 0],
  // Halves are rounded away from zero: one more weight is removed.
  [10, 0.25, 7],
  [10, 0.75, 2],
  [1, 0.5, 0],
  [3, 0.5, 1],
  [266_200, 0.95, 13_310],
  [266_200, 0.98, 5_324],
  [32_360, 0.9, 3_236],
])('of %i weights a sparsity of %d keeps %i', (n, sparsity, kept) => {
  expect(keptCount(n, sparsity)).toBe(kept)
})

it('is within half a weight of the exact share, and never rises with the sparsity', () => {
  const sparsity = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.nat({ max: 1e7 }), sparsity, sparsity, (n, a, b) => {
      expect(Math.abs(n - a * n - keptCount(n, a))).toBeLessThanOrEqual(0.5 + 1e-8)
      expect(keptCount(n, Math.max(a, b))).toBeLessThanOrEqual(keptCount(n, Math.min(a, b)))
    }),
  )
})

it.each([-0.1, 1.1, Number.NaN, Infinity])('%d is no sparsity', (sparsity) => {
  expect(() => keptCount(10, sparsity)).toThrow(`expected a sparsity from 0 to 1, found ${sparsity}`)
})

it.each([
  ['resnet18', 11_160_128, [2_232_025, 1_116_012, 558_006, 223_202, 111_601]],
  ['vgg19', 20_018_880, [4_003_775, 2_001_887, 1_000_944, 400_377, 200_188]],
])('%s: the counts of the code of arXiv 2502.11450', (_, n, kept) => {
  expect([0.8, 0.9, 0.95, 0.98, 0.99].map((sparsity) => truncatedCount(n, sparsity))).toEqual(kept)
  expect([truncatedCount(n, 0), truncatedCount(n, 1), truncatedCount(n, 1 - 1e-12)]).toEqual([n, 0, 1])
})
