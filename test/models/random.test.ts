import { expect, it } from 'vitest'
import { random } from '../../src/util/random.ts'

const N = 100_000
const draws = <T>(next: () => T, n = N) => Array.from({ length: n }, next)
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length

it('equal names give equal streams, any change another', () => {
  const bits = (seed: number, ...name: (string | number)[]) => {
    const stream = random(seed, ...name)
    return draws(() => stream.bits(), 4).join()
  }
  expect(bits(1, 'shuffle', 2)).toBe(bits(1, 'shuffle', 2))
  const others = [bits(1, 'shuffle', 2), bits(2, 'shuffle', 1), bits(1, 'shuffle', 3), bits(1, 'shuffle2'), bits(12)]
  expect(new Set(others).size).toBe(others.length)
})

it('uniform: in [0, 1), mean 1/2, variance 1/12', () => {
  const stream = random(0, 'uniform')
  const values = draws(() => stream.uniform())
  expect(values.every((x) => x >= 0 && x < 1)).toBe(true)
  // Five standard errors: sqrt(1/12 / N), and about 0.0745 / sqrt(N) for the variance.
  expect(Math.abs(mean(values) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / N))
  expect(Math.abs(mean(values.map((x) => (x - 0.5) ** 2)) - 1 / 12)).toBeLessThan((5 * 0.0745) / Math.sqrt(N))
})

it('normal: mean 0, variance 1, and the right share beyond two', () => {
  const stream = random(0, 'normal')
  const values = draws(() => stream.normal())
  expect(Math.abs(mean(values))).toBeLessThan(5 / Math.sqrt(N))
  expect(Math.abs(mean(values.map((x) => x * x)) - 1)).toBeLessThan(5 * Math.sqrt(2 / N))
  expect(Math.abs(mean(values.map((x) => (Math.abs(x) > 2 ? 1 : 0))) - 0.0455)).toBeLessThan(5 * Math.sqrt(0.0455 / N))
})

it.each([1, 2, 3, 10, 1000])('below %i: every number equally often', (n) => {
  const stream = random(0, 'below', n)
  const counts = new Array(n).fill(0)
  for (let i = 0; i < N; i++) counts[stream.below(n)]++
  expect(counts).toHaveLength(n)
  for (const count of counts) expect(Math.abs(count - N / n)).toBeLessThan(5 * Math.sqrt(N / n) + 1)
})

it('below most of 2^32: the numbers that a remainder would favour are not', () => {
  const stream = random(0, 'below')
  const low = draws(() => stream.below(3 * 2 ** 30)).filter((x) => x < 2 ** 30).length
  expect(Math.abs(low - N / 3)).toBeLessThan(5 * Math.sqrt(N / 3))
})

it('every order of three is equally likely', () => {
  const stream = random(0, 'orders')
  const counts = new Map<string, number>()
  for (let i = 0; i < 6000; i++) {
    const order = stream.permutation(3).join('')
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(1000))
})
