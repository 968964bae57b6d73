/** @file Weights without influence, spent again: against gradients that are written down. */
import { expect, it } from 'vitest'
import type { FisherColumns } from '../../../src/methods/second-order/fisher/fisher-columns.ts'
import { respend } from '../../../src/methods/second-order/respend.ts'

/** Columns of tensors whose per-sample gradients are given, [samples][weights] each. */
function columnsOf(gradients: readonly (readonly number[][])[]): Pick<FisherColumns, 'eachPart'> {
  const samples = gradients[0].length
  return {
    eachPart: (visit) =>
      gradients.map((rows, t) => {
        const size = rows[0].length
        const tensor = {
          size,
          samples,
          squares: (sums: Float64Array) => {
            for (let q = 0; q < size; q++) sums[q] = rows.reduce((sum, row) => sum + row[q] ** 2, 0)
          },
          correlate: (v: Float64Array, sums: Float64Array) => {
            for (let q = 0; q < size; q++) sums[q] = rows.reduce((sum, row, i) => sum + v[i] * row[q], 0)
          },
        }
        const block = { samples, parts: [{ tensor: t, first: 0, size }], tensors: [tensor] }
        return visit(block as never, (all) => [all[t]], { done: 0, total: size, group: '' })[0]
      }),
  }
}

const masks = [Float32Array.of(1, 1, 0, 0), Float32Array.of(0, 1, 1)]
/**
 * Two samples. Kept weights 1 of the first tensor and 2 of the second never move the loss. Of those that are
 * away, with lambda = 1, gains are g^2 / (2 (1 + F)): weight 2 of the first (g 2, F 4) 0.4, weight 3 (g 0, F
 * 9) 0, weight 0 of the second (g 3, F 9) 0.45.
 */
const gradients = [
  [
    [1, 0, 2, 3],
    [1, 0, 2, -3],
  ],
  [
    [3, -1, 0],
    [3, 2, 0],
  ],
]

it('takes away what no sample depends on and grows the largest gains', () => {
  const found = respend(columnsOf(gradients), masks, { damping: 1, within: false })!
  expect(found.moved).toBe(2)
  expect(found.masks.map((mask) => [...mask])).toEqual([
    [1, 0, 1, 0],
    [1, 1, 0],
  ])
  expect(masks.map((mask) => [...mask])).toEqual([
    [1, 1, 0, 0],
    [0, 1, 1],
  ])
})

it('keeps the counts of tensors where it is to', () => {
  const [first, second] = gradients
  const none = second.map((row) => [0, row[1], row[2]])
  const found = respend(columnsOf([first, none]), masks, { damping: 1, within: true })!
  expect(found.moved).toBe(1)
  expect(found.masks.map((mask) => [...mask])).toEqual([
    [1, 0, 1, 0],
    [0, 1, 1],
  ])
})

it('moves no more than there is to gain, the damping deciding what that is most', () => {
  // A third idle weight, and only one place that gains: the earlier idle weight goes.
  const one = [gradients[0].map(([a, b, c]) => [a, b, c, 0]), gradients[1].map(([, b, c]) => [0, b, c])]
  expect(respend(columnsOf(one), masks, { damping: 1, within: false })!.masks.map((mask) => [...mask])).toEqual([
    [1, 0, 1, 0],
    [0, 1, 1],
  ])
  // g 2, F 4 against g 4, F 40: 4 / (2 (l + 4)) and 16 / (2 (l + 40)), the first larger for l < 8.
  const two = [
    [
      [1, 0, 2, 4 + Math.sqrt(24)],
      [1, 0, 2, 4 - Math.sqrt(24)],
    ],
    gradients[1].map(([, b]) => [0, b, 1]),
  ]
  const grown = (damping: number) => [...respend(columnsOf(two), masks, { damping, within: false })!.masks[0]]
  expect(grown(7)).toEqual([1, 0, 1, 0])
  expect(grown(9)).toEqual([1, 0, 0, 1])
})

it('says nothing where every weight has a gradient, or nothing gains', () => {
  const all = gradients.map((rows) => rows.map((row) => row.map((g) => g || 1)))
  expect(respend(columnsOf(all), masks, { damping: 1, within: false })).toBeUndefined()
  const nothing = gradients.map((rows, t) => rows.map((row) => row.map((g, q) => (masks[t][q] === 0 ? 0 : g))))
  expect(respend(columnsOf(nothing), masks, { damping: 1, within: false })).toBeUndefined()
})
