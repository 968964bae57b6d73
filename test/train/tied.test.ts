/**
 * @file Tied weights: a step of copies is the step of the bank that they stand for, written out here; copies
 * stay equal bit for bit; what is a copy of what.
 */

import { describe, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { tied } from '../../src/methods/tied.ts'
import { findModel } from '../../src/models/index.ts'
import { type SgdOptions, setHyper } from '../../src/optim/sgd.ts'
import { bankOf, drawOrder, makeEqual, type Tying } from '../../src/sparsity/tied.ts'
import { checkpointOf, loadCheckpoint, loadWeights, weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import type { NetworkOptions } from '../../src/train/options.ts'
import { UserError } from '../../src/util/errors.ts'
import { tinyConv } from '../support/tiny-conv.ts'
import { machine, smallNetwork, stateOf } from './small.ts'

const samples = Uint32Array.from({ length: 16 }, (_, i) => i)

const convNetwork = (options: Partial<NetworkOptions>) =>
  new Network({
    machine: openReference(),
    model: tinyConv,
    batch: 16,
    data: synthetic({ image: tinyConv.image, classes: tinyConv.classes, train: 20, test: 1 }),
    ...options,
  })

const step = (network: Network, rate: number, options: SgdOptions) => {
  setHyper(network.executable, rate, options)
  return network.step(samples).loss
}

/** The places of every bank entry of a tensor: weight k of the copies of entry b, by the assignment alone. */
function copiesOf(name: string, shape: readonly number[], tying: Tying, seed = 0): number[][] {
  const { units, block, entries } = bankOf(shape, tying)
  const order = drawOrder(seed, name, { units, block, entries })
  const groups: number[][] = []
  for (let b = 0; b < entries; b++)
    for (let k = 0; k < block; k++)
      groups.push([...order.filter((_, i) => i % entries === b)].map((unit) => unit * block + k))
  return groups
}

it('banks: round(d n) entries, every one with floor(n / r) or ceil(n / r) copies', () => {
  const tying = { sparsity: 0.98 }
  const shapes = [
    [300, 784],
    [100, 300],
    [10, 100],
  ]
  expect(shapes.map((shape) => bankOf(shape, tying).entries)).toEqual([4704, 600, 20])
  expect(bankOf([16, 8, 3, 3], { sparsity: 0.9 })).toEqual({ units: 1152, block: 1, entries: 115 })
  expect(bankOf([16, 8, 3, 3], { sparsity: 0.9, granularity: 'row' })).toMatchObject({ units: 384, block: 3 })
  expect(bankOf([16, 8, 3, 3], { sparsity: 0.9, granularity: 'kernel' })).toEqual({ units: 128, block: 9, entries: 13 })
  expect(bankOf([16, 8, 3, 3], { sparsity: 0.9, granularity: 'filter' })).toEqual({ units: 16, block: 72, entries: 2 })
  expect(bankOf([10, 100], { sparsity: 0.9, granularity: 'kernel' }).block).toBe(1)
  expect(bankOf([2, 2], { sparsity: 0.99 }).entries).toBe(1)
  const counts = copiesOf('w', [16, 8, 3, 3], { sparsity: 0.9 }).map(({ length }) => length)
  expect(counts.filter((n) => n === 11)).toHaveLength(2) // 1152 = 113 x 10 + 2 x 11
  expect(counts.filter((n) => n === 10)).toHaveLength(113)
})

it('which weights are copies depends on seed and tensor, and nothing else', () => {
  const bank = { units: 50, block: 1, entries: 5 }
  expect(drawOrder(1, 'a', bank)).toEqual(drawOrder(1, 'a', bank))
  expect(drawOrder(2, 'a', bank)).not.toEqual(drawOrder(1, 'a', bank))
  expect(drawOrder(1, 'b', bank)).not.toEqual(drawOrder(1, 'a', bank))
})

it('copies take the values of the first one', () => {
  const values = Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
  makeEqual(values, Int32Array.of(3, 0, 4, 2, 1), { units: 5, block: 2, entries: 2 })
  // Runs 3, 4 and 1 are copies of 3, runs 0 and 2 of 0.
  expect([...values]).toEqual([0, 1, 6, 7, 0, 1, 6, 7, 6, 7])
})

const tyings: Tying[] = [
  { sparsity: 0.9 },
  { sparsity: 0.8, rescale: true },
  { sparsity: 0.7, granularity: 'kernel' },
  { sparsity: 0.5, granularity: 'filter', rescale: true },
]

describe.each(tyings)('%o', (tying) => {
  it('a plain step moves an entry by the sum (rescaled: the mean) of the gradients of its copies, as finite differences have it', () => {
    const tiedNetwork = convNetwork({ rules: [tied(tying)] })
    const before = tiedNetwork.prunable.map(({ name }) => Float64Array.from(tiedNetwork.values(name)))
    const free = convNetwork({})
    for (const { name } of free.stored) free.values(name).set(tiedNetwork.values(name))
    const lossWith = (name: string, places: number[], change: number) => {
      const values = free.values(name)
      const old = values[places[0]]
      for (const i of places) values[i] = old + change
      const loss = step(free, 0, {})
      for (const i of places) values[i] = old
      return loss
    }
    const groups = tiedNetwork.prunable.map(({ name, shape }) => copiesOf(name, shape, tying))
    const h = 1e-5
    const slopes = tiedNetwork.prunable.map(({ name }, t) =>
      groups[t].map((places) => (lossWith(name, places, h) - lossWith(name, places, -h)) / (2 * h)),
    )
    step(tiedNetwork, 0.1, {})
    let largest = 0
    tiedNetwork.prunable.forEach(({ name }, t) => {
      groups[t].forEach((places, g) => {
        const wanted = -0.1 * (tying.rescale ? slopes[t][g] / places.length : slopes[t][g])
        for (const i of places) expect(Math.abs(tiedNetwork.values(name)[i] - before[t][i] - wanted)).toBeLessThan(1e-8)
        largest = Math.max(largest, Math.abs(wanted))
      })
    })
    expect(largest).toBeGreaterThan(1e-4)
  })

  it('copies stay equal bit for bit, with momentum, decay and L1', () => {
    const network = convNetwork({ machine, rules: [tied(tying)] })
    for (let i = 0; i < 12; i++) step(network, 0.05, { momentum: 0.9, nesterov: true, weightDecay: 1e-3, l1: 1e-4 })
    for (const { name, shape } of network.prunable) {
      const values = network.values(name)
      const groups = copiesOf(name, shape, tying)
      for (const places of groups) for (const i of places) expect(values[i]).toBe(values[places[0]])
      expect(new Set(values).size).toBe(groups.length)
    }
  })
})

it('loaded weights are tied too; a checkpoint brings back its own assignment and goes on to the bit', () => {
  const tying = { sparsity: 0.9 }
  const make = (seed: number) => smallNetwork({ rules: [tied(tying)], seed })
  const options = { momentum: 0.9, nesterov: true }
  const one = make(1)
  loadWeights(one, weightsOf(smallNetwork({ seed: 5 })), 'untied')
  expect(new Set(one.values('fc1.weight')).size).toBe(30)
  for (let i = 0; i < 3; i++) step(one, 0.05, options)
  const checkpoint = checkpointOf(one, {})
  for (let i = 0; i < 3; i++) step(one, 0.05, options)
  const other = make(2)
  loadCheckpoint(other, checkpoint, 'checkpoint')
  for (let i = 0; i < 3; i++) step(other, 0.05, options)
  expect(stateOf(other)).toEqual(stateOf(one))

  const order = checkpoint.tensors.get('fc2.weight.order')!
  order.data.set(order.data.slice(0, 4), 4)
  expect(() => loadCheckpoint(other, checkpoint, 'broken')).toThrow(UserError)
  expect(() => loadCheckpoint(other, checkpoint, 'broken')).toThrow(
    /broken: fc2\.weight\.order: expected a permutation of 96 integers/,
  )
})

it('counts say what can be learned', () => {
  const network = new Network({
    machine,
    model: findModel('lenet-300-100'),
    data: synthetic(),
    batch: 10,
    rules: [tied({ sparsity: 0.99 })],
  })
  expect(network.counts().map(({ learnable }) => learnable)).toEqual([2352, 300, 10])
  expect(smallNetwork().counts()[0]).not.toHaveProperty('learnable')
})
