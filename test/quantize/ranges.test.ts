/** @file Ranges that eight bits cover, against what is found by trying. */
import { expect, it } from 'vitest'
import { Histogram, type Range } from '../../src/quantize/ranges.ts'
import { type ValueType, valueGrid } from '../../src/quantize/value-grid.ts'
import { random } from '../../src/util/random.ts'

/** Mostly small values, and some far away. */
function samples(seed: number, count = 20_000): Float64Array {
  const draws = random(seed, 'values')
  return Float64Array.from({ length: count }, (_, i) => draws.normal() * (i % 4000 === 0 ? 30 : 1))
}

function histogramOf(values: Float64Array): Histogram {
  const histogram = new Histogram([
    values.reduce((a, b) => Math.min(a, b), 0),
    values.reduce((a, b) => Math.max(a, b), 0),
  ])
  for (let i = 0; i < values.length; i += 1000) histogram.add(values.subarray(i, i + 1000))
  return histogram
}

const errorOf = (values: Float64Array, range: Range) => {
  const { scale, zero } = valueGrid(range, 'uint8')
  return values.reduce((sum, x) => {
    const code = Math.min(Math.max(Math.round(x / scale) + zero, 0), 255)
    return sum + (x - scale * (code - zero)) ** 2
  }, 0)
}

it('mse: nearly as good as the best of all shares', () => {
  const values = samples(1)
  const histogram = histogramOf(values)
  const [least, most] = histogram.cover({ rule: 'min-max' })
  const found = errorOf(values, histogram.cover())
  const shares = Array.from({ length: 91 }, (_, i) => errorOf(values, [least * (1 - i / 100), most * (1 - i / 100)]))
  expect(found).toBeLessThan(1.02 * Math.min(...shares))
})

it('mse: one value far away among a million is given up, where all others gain by that', () => {
  const draws = random(4, 'uniform')
  const values = Float64Array.from({ length: 20_000 }, () => draws.uniform())
  const histogram = new Histogram([0, 3])
  for (let i = 0; i < 50; i++) histogram.add(values)
  histogram.add([3])
  const [least, most] = histogram.cover()
  expect(least).toBe(0)
  expect(most).toBeGreaterThan(0.9)
  expect(most).toBeLessThan(1.3)
})

it('percentile: as many are outside as it says, at each end', () => {
  const values = samples(2)
  const histogram = histogramOf(values)
  for (const percentile of [99, 99.9]) {
    const [low, high] = histogram.cover({ rule: 'percentile', percentile })
    const outside = (1 - percentile / 100) * values.length
    for (const count of [values.filter((x) => x < low).length, values.filter((x) => x > high).length]) {
      expect(count).toBeLessThanOrEqual(outside)
      expect(count).toBeGreaterThan(0.2 * outside)
    }
  }
  const all = histogram.cover({ rule: 'min-max' })
  histogram.cover({ rule: 'percentile', percentile: 100 }).forEach((end, i) => void expect(end).toBeCloseTo(all[i], 9))
})

it.each(['min-max', 'mse', 'percentile'] as const)('%s: what is never negative has no negative codes', (rule) => {
  const values = samples(3).map((x) => Math.max(0, x))
  const grid = valueGrid(histogramOf(values).cover({ rule }), 'uint8')
  expect(grid.zero).toBe(0)
  expect(valueGrid(histogramOf(values).cover({ rule }), 'int8').zero).toBe(-128)
})

it.each(['uint8', 'int8'] as const)('%s: zero is a code, and both ends are within half a step', (type: ValueType) => {
  const low = type === 'uint8' ? 0 : -128
  for (const [least, most] of [
    [-1, 2],
    [-3, 0],
    [0, 5],
    [-1e-3, 1e4],
  ] as const) {
    const { scale, zero } = valueGrid([least, most], type)
    expect(Number.isInteger(zero) && zero >= low && zero <= low + 255).toBe(true)
    expect(scale * (low - zero)).toBeLessThanOrEqual(least + 0.51 * scale)
    expect(scale * (low + 255 - zero)).toBeGreaterThanOrEqual(most - 0.51 * scale)
  }
})

it('what is always zero has a scale all the same, and what is not finite is refused', () => {
  const none = new Histogram([0, 0])
  none.add([0, 0, 0])
  for (const rule of ['min-max', 'mse', 'percentile'] as const)
    expect(valueGrid(none.cover({ rule }), 'uint8')).toEqual({ type: 'uint8', scale: 1, zero: 0 })
  expect(() => valueGrid([0, Number.POSITIVE_INFINITY], 'uint8')).toThrow('finite')
})
