import { expect, it } from 'vitest'
import { apart } from '../../../src/cli/bench/measure.ts'
import { Remaining } from '../../../src/cli/bench/progress.ts'
import { warnings } from '../../../src/cli/bench/table.ts'
import { median, rateOver, takeTurns } from '../../../src/cli/bench/turns.ts'

/** A contender that takes these times, and says when it is its turn. */
const contender = (name: string, times: number[], turns: string[]) => ({
  block: async () => {
    turns.push(name)
    return times[turns.filter((turn) => turn === name).length - 1]
  },
})

it('contenders take turns; the ratio is that of rounds, not of medians', async () => {
  const turns: string[] = []
  const seen: number[] = []
  const [a, b] = await takeTurns(
    [contender('a', [1, 10, 2], turns), contender('b', [3, 20, 12], turns)],
    3,
    (milliseconds) => seen.push(milliseconds),
  )
  expect(turns.join('')).toBe('ababab')
  expect(seen).toEqual([1, 3, 10, 20, 2, 12])
  expect(a).toEqual({ rounds: [1, 10, 2], median: 2, least: 1, most: 10 })
  // Of 3, 2 and 6; medians would say 6.
  expect(rateOver(a, b)).toBe(3)
  expect([median([4, 1, 3, 8]), median([7, 5, 6])]).toEqual([3.5, 6])
})

it('differences are shares of the largest value; what is no number on one side alone is none', () => {
  const of = (...values: number[]) => Float32Array.from(values)
  expect(apart(of(1, -8, 0), of(1, -7, 0.5))).toBe(1 / 8)
  expect(apart(of(Number.NaN, Infinity, 2), of(Number.NaN, Infinity, 2))).toBe(0)
  expect(apart(of(Number.NaN, 2), of(1, 2))).toBeNaN()
  expect(apart(of(1, 2), of(1, 2, 3))).toBeNaN()
  expect(apart(of(0, 0), of(0, 0))).toBe(0)
})

it('a runtime that computes something else is named, one of 8 bits is not', () => {
  const one = {
    batch: 2,
    threads: 1,
    description: '',
    rounds: [1],
    median: 1,
    least: 1,
    most: 1,
    memory: 2,
    memoryBefore: 1,
  }
  const said = warnings([
    { ...one, name: 'espalier', int8: false },
    { ...one, name: 'fine', int8: false, difference: 1e-6 },
    { ...one, name: 'coarse', int8: true, difference: 0.1 },
    { ...one, name: 'wrong', int8: false, difference: 0.25 },
    { ...one, name: 'nowhere', int8: false, difference: Number.NaN },
  ])
  expect(said).toEqual([
    'warning: wrong computes other outputs than espalier (batch 2, threads 1): they differ by 2.5e-1 of the largest',
    expect.stringMatching(/^warning: nowhere computes other outputs .*: they differ in their number, or /),
  ])
})

it('the time that is left goes by what images took before', () => {
  const setting = (batch: number) => ({
    batch,
    threads: 1,
    against: 'onnxruntime' as const,
    entrants: [entrant, entrant],
  })
  const entrant = {
    name: '',
    int8: false,
    spec: { runtime: 'espalier' as const, path: '', called: '', batch: 1, threads: 1, reading: {} },
  }
  const settings = [setting(1), setting(10)]
  const left = new Remaining(settings, 3)
  // Nothing is known: half a second for each of 12 blocks.
  expect(left.seconds()).toBeCloseTo(6)
  left.passed(settings[0], 300)
  // 5 blocks of 0.3 + 0.4 seconds, 6 of 3 + 3.
  expect(left.seconds()).toBeCloseTo(5 * 0.7 + 6 * 6)
})
