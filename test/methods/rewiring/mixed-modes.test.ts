/**
 * @file The ways of moving weights that DSR's code has between DSR and SET, and weights that begin as drawn,
 * by hand.
 */
import { describe, expect, it } from 'vitest'
import { deepR } from '../../../src/methods/rewiring/deepr.ts'
import { dsr } from '../../../src/methods/rewiring/dsr.ts'
import { HiddenWeights } from '../../../src/methods/rewiring/hidden-weights.ts'
import { RewiringHook } from '../../../src/methods/rewiring/hook.ts'
import type { Moves, Rewiring, SparseLayer } from '../../../src/methods/rewiring/rewiring.ts'
import { setMagnitude } from '../../../src/methods/rewiring/set.ts'
import { random } from '../../../src/util/random.ts'
import { smallNetwork } from '../../train/small.ts'

/** A tensor whose first places hold these values. */
const layer = (name: string, size: number, values: readonly number[]): SparseLayer => ({
  name,
  length: 1,
  rows: 1,
  size,
  positions: Int32Array.from(values.keys()),
  values: Float64Array.from(values),
})

const context = {
  step: 1,
  rate: 0.1,
  elapsed: 0,
  owed: 0,
  normalized: false,
  outputLayer: '',
  draw: (name: string) => random(1, name),
  gradient: () => new Float64Array(0),
}

const counts = (moves: readonly Moves[]) => moves.map(({ pruned, grown }) => [pruned.length, grown.length])

/** 1, 2, ..., n. */
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

describe('a threshold without reallocation', () => {
  // Below 2.5 are 2 weights of the first tensor, all 2 of the second, of which one stays, and 2 of the third.
  const layers = [layer('a', 90, upTo(5)), layer('b', 9, [1, -2]), layer('c', 6, [-1, 0, 9, 9, 9])]

  it('every tensor grows as many as it loses, where it has too few free places also where it just lost one', () => {
    const { event, state } = dsr.make({ moves: 5, threshold: 2.5, reallocate: false, seed: 0 })
    const moves = event(layers, context)
    expect(counts(moves)).toEqual([
      [2, 2],
      [1, 1],
      [2, 2],
    ])
    expect(moves[2].grown.every((place) => [0, 1, 5].includes(place))).toBe(true)
    expect(state()).toEqual({ threshold: 2.5 })
  })

  it('as coded, never there: the tensor shrinks', () => {
    const moves = dsr
      .make({ moves: 5, threshold: 2.5, reallocate: false, faithful: true, seed: 0 })
      .event(layers, context)
    expect(counts(moves)).toEqual([
      [2, 2],
      [1, 1],
      [2, 1],
    ])
    expect([...moves[2].grown]).toEqual([5])
  })
})

describe('a share with reallocation', () => {
  // floor(0.1 n) + 1 go: 2 of 10 and 4 of 30. 8 and 26 are left, whose parts of 6 are 1.41 and 4.59.
  const layers = [layer('a', 90, upTo(10)), layer('b', 90, upTo(30))]
  it.each([false, true])('grows in proportion to what is left (as coded: %s)', (faithful) => {
    const moves = setMagnitude.make({ fraction: 0.1, reallocate: true, faithful, seed: 0 }).event(layers, context)
    expect(counts(moves)).toEqual([
      [2, 1],
      [4, 5],
    ])
    expect(moves.map(({ pruned }) => [...pruned])).toEqual([
      [0, 1],
      [0, 1, 2, 3],
    ])
  })

  it('one weight stays in each tensor', () => {
    const moves = setMagnitude
      .make({ fraction: 1, reallocate: true, seed: 0 })
      .event([layer('a', 9, [3]), layer('b', 9, [3, 1])], context)
    expect(counts(moves)).toEqual([
      [0, 1],
      [1, 0],
    ])
  })
})

it('SET as coded goes on pruning a tensor that is full', () => {
  const full = [layer('a', 5, upTo(5)), layer('b', 5, upTo(4))]
  const moves = (faithful: boolean) =>
    counts(setMagnitude.make({ fraction: 0.25, faithful, seed: 0 }).event(full, context))
  expect(moves(true)).toEqual([
    [2, 0],
    [2, 1],
  ])
  expect(moves(false)).toEqual([
    [0, 0],
    [1, 1],
  ])
})

describe('weights that grow', () => {
  /** Takes the first weight of each tensor away, grows 60 others in fc1. */
  const grows = (drawn: boolean): Rewiring => ({
    drawn,
    event: (layers) =>
      layers.map(({ name, positions, size }) => {
        const free = Int32Array.from(Array.from({ length: size }, (_, i) => i).filter((i) => !positions.includes(i)))
        return { pruned: Int32Array.of(), grown: name === 'fc1.weight' ? free : Int32Array.of() }
      }),
    state: () => ({}),
    restore: () => {},
  })
  const name = 'fc1.weight'

  function grown(rewiring: Rewiring, seed = 1, hidden?: HiddenWeights): number[] {
    const network = smallNetwork()
    network.mask(name).fill(0, 30)
    network.applyMasks()
    const schedule = { start: 0, end: 9, period: () => 1 }
    const hook = new RewiringHook({ rewiring, schedule, rate: () => 0, seed, hidden })
    for (const step of hidden ? [0, 1, 2] : [0, 1]) hook.atStep(step, network)
    return Array.from(network.values(name)).slice(30)
  }

  /** The deviation of a mean of 270 squares is 0.086 of it. */
  function expectAsWide(values: readonly number[]): void {
    const mean = (of: (value: number) => number) => values.reduce((sum, value) => sum + of(value), 0) / values.length
    expect(Math.abs(25 * mean((value) => value ** 2) - 1)).toBeLessThan(0.3)
    expect(Math.abs(mean((value) => value))).toBeLessThan(0.05)
  }

  it('begin at zero, or drawn as wide as the tensor began: 1 / sqrt(25) here', () => {
    expect(grown(grows(false)).every((value) => value === 0)).toBe(true)
    const values = grown(grows(true))
    expect(values).toHaveLength(270)
    expectAsWide(values)
    expect(grown(grows(true))).toEqual(values)
    expect(grown(grows(true), 2)).not.toEqual(values)
  })

  it('as coded, are drawn behind the masks at every event, whatever was there', () => {
    const hidden = () => new HiddenWeights({}, () => new Float64Array(300).fill(9))
    const values = grown(grows(true), 1, hidden())
    expectAsWide(values)
    expect(grown(grows(true), 1, hidden())).toEqual(values)
    expect(grown(grows(false), 1, hidden()).every((value) => value === 0)).toBe(true)
  })

  it('of DeepR have the fixed sign of their place', () => {
    const rewiring = deepR.make({ newWeights: 'drawn', seed: 3 })
    const one = layer(name, 300, upTo(30))
    rewiring.begin!([one])
    const draw = random(3, 'deepr signs', name)
    const signs = Array.from({ length: 300 }, () => (draw.below(2) === 1 ? 1 : -1))
    const begun = signs.map((_, place) => rewiring.beginsWith!(name, place, place % 2 ? 0.5 : -0.25))
    expect(begun).toEqual(signs.map((sign, place) => sign * (place % 2 ? 0.5 : 0.25)))
  })
})
