/** @file Grids of weights: their codes, scales and zero points against exhaustive search. */
import { describe, expect, it } from 'vitest'
import { type GridOptions, limitsOf, WeightGrid } from '../../src/quantize/grid.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'

/** Weights with a few large ones, and some zeros. */
function weightsOf(rows: number, columns: number, seed: number): Float64Array {
  const draws = random(seed, 'weights')
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const w = draws.normal() * (i % 7 === 0 ? 5 : 1)
    return i % 5 === 0 ? 0 : Math.fround(w)
  })
}

const every: [string, GridOptions][] = [
  ['int8', {}],
  ['int8 to the largest', { scales: 'max' }],
  ['int8 with zero points', { symmetric: false }],
  ['int4', { bits: 4 }],
  ['int4 in blocks of 3 with zero points', { bits: 4, symmetric: false, block: 3 }],
]

describe.each(every)('%s', (_, options) => {
  const [rows, columns] = [5, 13]
  const weights = weightsOf(rows, columns, 3)
  const grid = new WeightGrid({ rows, columns, weights }, options)
  const [low, high] = limitsOf(options.bits ?? 8, options.symmetric ?? true)

  it('gives every weight the nearest of all its codes', () => {
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < columns; i++) {
        const w = weights[row * columns + i]
        const distances = Array.from({ length: high - low + 1 }, (_, k) => Math.abs(w - grid.value(row, i, low + k)))
        const code = grid.code(row, i, w)
        expect(code).toBeGreaterThanOrEqual(low)
        expect(code).toBeLessThanOrEqual(high)
        expect(Math.abs(w - grid.value(row, i, code))).toBeLessThanOrEqual(Math.min(...distances) * (1 + 1e-6) + 1e-12)
      }
  })

  it('has zero exactly', () => {
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < columns; i++) expect(grid.value(row, i, grid.code(row, i, 0))).toBe(0)
  })

  it('has positive scales that are float32', () => {
    for (const scale of grid.scales) expect(scale).toBeGreaterThan(0)
  })
})

it('mse: of the shares of the largest weight no other has a smaller sum of weighted squares', () => {
  const [rows, columns] = [4, 30]
  const weights = weightsOf(rows, columns, 8)
  const importance = Float64Array.from({ length: columns }, (_, i) => 1 + (i % 4) ** 2)
  const grid = new WeightGrid({ rows, columns, weights }, { bits: 4 }, importance)
  const largest = new WeightGrid({ rows, columns, weights }, { bits: 4, scales: 'max' })
  const error = (row: number, scale: number) => {
    let sum = 0
    for (let i = 0; i < columns; i++) {
      const w = weights[row * columns + i]
      const code = Math.min(Math.max(Math.round(w / scale), -8), 7)
      sum += importance[i] * (w - scale * code) ** 2
    }
    return sum
  }
  for (let row = 0; row < rows; row++) {
    const found = error(row, grid.scales[row])
    for (let share = 1; share > 0.2; share -= 0.01)
      expect(found).toBeLessThanOrEqual(error(row, share * largest.scales[row]) * (1 + 1e-4))
    expect(grid.scales[row]).toBeLessThan(largest.scales[row])
  }
})

it('importance decides whose error is small', () => {
  const weights = Float64Array.from([10, 0.31, -0.17, 0.29])
  const even = new WeightGrid({ rows: 1, columns: 4, weights }, { bits: 4 })
  const small = new WeightGrid({ rows: 1, columns: 4, weights }, { bits: 4 }, [1e-6, 1, 1, 1])
  expect(small.scales[0]).toBeLessThan(even.scales[0])
})

it('symmetric codes of eight bits leave out -128; four bits have all of theirs', () => {
  const weights = Float64Array.from([-1, 0.5, -1, 0.9])
  const options = { scales: 'max' } as const
  expect(new WeightGrid({ rows: 1, columns: 4, weights }, options).code(0, 0, -1)).toBe(-127)
  const four = new WeightGrid({ rows: 1, columns: 4, weights }, { ...options, bits: 4 })
  expect(four.code(0, 0, -1)).toBe(-8)
  expect(four.code(0, 0, 0.9)).toBe(7)
})

it('rows without weights take the largest scale of others, a matrix without any takes 1', () => {
  const grid = new WeightGrid({ rows: 3, columns: 2, weights: [1, -2, 0, 0, 254, 3] }, { scales: 'max' })
  expect([...grid.scales]).toEqual([Math.fround(2 / 127), 2, 2])
  const empty = new WeightGrid({ rows: 2, columns: 1, weights: [0, 0] }, { symmetric: false })
  expect([...empty.scales]).toEqual([1, 1])
  expect(empty.value(0, 0, empty.code(0, 0, 0))).toBe(0)
})

it('weights of one sign keep zero on the grid', () => {
  for (const weights of [
    [3, 4, 5],
    [-3, -4, -5],
  ]) {
    const grid = new WeightGrid({ rows: 1, columns: 3, weights }, { symmetric: false, scales: 'max' })
    expect(grid.value(0, 0, grid.code(0, 0, 0))).toBe(0)
    expect(grid.value(0, 0, grid.code(0, 0, weights[2]))).toBeCloseTo(weights[2], 1)
  }
})

it('refuses what is not finite', () => {
  expect(() => new WeightGrid({ rows: 1, columns: 2, weights: [1, Number.NaN] })).toThrow(UserError)
  expect(() => new WeightGrid({ rows: 1, columns: 2, weights: [1, Number.POSITIVE_INFINITY] })).toThrow('finite')
})
