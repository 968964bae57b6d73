import { describe, expect, it } from 'vitest'
import { deadUnits, shuffledMasks, ticketMasks, ticketRounds } from '../../../src/methods/ticket/masks.ts'
import { UserError } from '../../../src/util/errors.ts'
import { random } from '../../../src/util/random.ts'

const lenet = [235200, 30000, 1000]
const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)

describe('rounds', () => {
  it('LeNet-300-100 at 20, 20 and 10 %: N_h 0.8^n + N_o 0.9^n weights, the last round exactly what is asked for', () => {
    const rounds = ticketRounds(lenet, { keep: 3957, rate: 0.2, scope: 'layerwise' })
    expect(rounds.length).toBe(19)
    expect(rounds[0]).toEqual([188160, 24000, 900])
    rounds.slice(0, -1).forEach((counts, n) => {
      expect(Math.abs(sum(counts) - (265200 * 0.8 ** (n + 1) + 1000 * 0.9 ** (n + 1)))).toBeLessThan(3)
    })
    expect(Math.abs(sum(rounds[17]) - 4928)).toBeLessThan(3)
    expect(sum(rounds[18])).toBe(3957)
    expect(sum(ticketRounds(lenet, { keep: 4437, rate: 0.2, scope: 'layerwise' }).at(-1)!)).toBe(4437)
  })

  it('globally the layers share one count', () => {
    expect(ticketRounds([60, 40], { keep: 30, rate: 0.5, scope: 'global' })).toEqual([[50], [30]])
    expect(ticketRounds([60, 40], { keep: 25, rate: 0.5, scope: 'global' })).toEqual([[50], [25]])
  })

  it('without a rate there is one round; the output layer loses half the share of the others, or what is said', () => {
    // (100 - 40) / (60 + 40 / 2) = 0.75
    expect(ticketRounds([60, 40], { keep: 40, scope: 'layerwise' })).toEqual([[15, 25]])
    expect(ticketRounds([60, 40], { keep: 40, scope: 'layerwise', output: 1 })).toEqual([[24, 16]])
    expect(ticketRounds([60, 40], { keep: 55, scope: 'layerwise', output: 0 })).toEqual([[15, 40]])
  })

  it('a round always removes something, and never more than all of a layer', () => {
    expect(ticketRounds([3, 1], { keep: 1, rate: 0.01, scope: 'global' })).toEqual([[3], [2], [1]])
    expect(() => ticketRounds([60, 40], { keep: 39, scope: 'layerwise', output: 0 })).toThrow(UserError)
  })
})

const weights = [Float32Array.of(0.5, -3, 1, 0), Float32Array.of(-2, 1)]

it('keeps the largest magnitudes, ties by index, of what is left', () => {
  expect(ticketMasks(weights, [3])).toEqual([Float32Array.of(0, 1, 1, 0), Float32Array.of(1, 0)])
  expect(ticketMasks(weights, [2, 1])).toEqual([Float32Array.of(0, 1, 1, 0), Float32Array.of(1, 0)])
  expect(ticketMasks(weights, [3], { before: [Float32Array.of(1, 0, 0, 1), Float32Array.of(0, 1)] })).toEqual([
    Float32Array.of(1, 0, 0, 1),
    Float32Array.of(0, 1),
  ])
})

it('a floor keeps the largest of every layer, and of all others the largest', () => {
  const layers = [Float32Array.of(0.5, -3, 1, 0), Float32Array.of(-0.2, 0.1)]
  expect(ticketMasks(layers, [2])).toEqual([Float32Array.of(0, 1, 1, 0), Float32Array.of(0, 0)])
  expect(ticketMasks(layers, [2], { least: [1, 1] })).toEqual([Float32Array.of(0, 1, 0, 0), Float32Array.of(1, 0)])
  expect(ticketMasks(layers, [3], { least: [0, 1] })).toEqual([Float32Array.of(0, 1, 1, 0), Float32Array.of(1, 0)])
  const before = [Float32Array.of(1, 1, 1, 1), Float32Array.of(0, 1)]
  expect(ticketMasks(layers, [2], { before, least: [0, 1] })[1]).toEqual(Float32Array.of(0, 1))
})

it('a shuffled mask keeps as many weights of each layer elsewhere', () => {
  const masks = [new Float32Array(1000).fill(1, 0, 100), new Float32Array(50).fill(1, 10, 20)]
  const shuffled = shuffledMasks(masks, (layer) => random(1, 'test', layer))
  expect(shuffled.map(sum as never)).toEqual([100, 10])
  expect(sum([...shuffled[0].subarray(0, 100)])).toBeLessThan(30)
  expect(shuffledMasks(masks, (layer) => random(1, 'test', layer))).toEqual(shuffled)
})

it('dead units are rows and columns without a weight, of all taps', () => {
  expect(deadUnits([2, 3], [0, 0, 1, 0, 0, 0])).toEqual({ outputs: 1, inputs: 2 })
  // [2, 2, 1, 2]: the second output reads nothing but the last tap of the second input.
  expect(deadUnits([2, 2, 1, 2], [0, 0, 0, 0, 0, 0, 0, 1])).toEqual({ outputs: 1, inputs: 1 })
  expect(deadUnits([2, 2], [1, 0, 0, 1])).toEqual({ outputs: 0, inputs: 0 })
})
