import { expect, it } from 'vitest'
import { prune } from '../../src/methods/prune.ts'
import { keptCount } from '../../src/sparsity/count.ts'
import type { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { UserError } from '../../src/util/errors.ts'
import { smallNetwork, stateOf } from '../train/small.ts'

/** Weights of fc1, fc2 and fc3: 300 + 96 + 32. */
const ALL = 428
const masks = (network: Network) => network.prunable.flatMap(({ name }) => [...network.mask(name)])
const weights = (network: Network) => network.prunable.flatMap(({ name }) => [...network.values(name)])
const kept = (network: Network) => masks(network).reduce((a, b) => a + b)

it('magnitude: no weight that is kept is smaller than one that is not', () => {
  const network = smallNetwork()
  const before = weights(network)
  const { layers, sparsity, collapsed } = prune(network, { sparsity: 0.7 })
  const mask = masks(network)
  const magnitudes = (bit: number) => before.map(Math.abs).filter((_, i) => mask[i] === bit)
  expect(Math.min(...magnitudes(1))).toBeGreaterThanOrEqual(Math.max(...magnitudes(0)))
  expect(weights(network)).toEqual(before.map((w, i) => (mask[i] ? w : 0)))
  expect(kept(network)).toBe(keptCount(ALL, 0.7))
  expect(sparsity).toBe(1 - kept(network) / ALL)
  expect(layers.reduce((sum, layer) => sum + layer.kept, 0)).toBe(kept(network))
  expect(collapsed).toEqual([])
})

it('biases are left alone', () => {
  const network = smallNetwork()
  const biases = [...network.values('fc1.bias')]
  expect(prune(network, { sparsity: 1 }).sparsity).toBe(1)
  expect([...network.values('fc1.bias')]).toEqual(biases)
})

it('momentum of pruned weights becomes 0, of others it stays', async () => {
  const network = smallNetwork()
  await train(network, { epochs: 1, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.1 } })
  const before = [...network.momentum('fc1.weight')]
  prune(network, { sparsity: 0.5, scope: 'layerwise' })
  const mask = network.mask('fc1.weight')
  expect(before.filter((v, i) => v !== 0 && mask[i] === 0).length).toBeGreaterThan(50)
  expect([...network.momentum('fc1.weight')]).toEqual(before.map((v, i) => (mask[i] ? v : 0)))
})

it('layer collapse is found and named', () => {
  const network = smallNetwork()
  const tiny = network.values('fc2.weight')
  tiny.forEach((w, i) => {
    tiny[i] = w * 1e-6
  })
  const { collapsed, layers } = prune(network, { sparsity: 0.9 })
  expect(collapsed).toEqual([{ name: 'fc2.weight', size: 96, kept: 0, effective: 0 }])
  expect(layers[1]).toEqual(collapsed[0])
  // A ranking within each layer does not collapse.
  expect(prune(smallNetwork(), { sparsity: 0.9, scope: 'layerwise' }).collapsed).toEqual([])
})

it.each([Number.NaN, Infinity, -Infinity])('a weight of %d is refused by name and changes nothing', (value) => {
  const network = smallNetwork()
  network.values('fc2.weight')[7] = value
  const before = stateOf(network)
  expect(() => prune(network, { sparsity: 0.5 })).toThrow(UserError)
  expect(() => prune(network, { sparsity: 0.5 })).toThrow(/the score of fc2\.weight\[7\] is (NaN|Infinity): nothing/)
  expect(stateOf(network)).toEqual(before)
})

it('random: reproducible by seed, another at every event, and every weight equally likely', () => {
  const choice = (seed: number, event = 0) => {
    const network = smallNetwork()
    prune(network, { method: 'random', sparsity: 0.5, seed }, event)
    return masks(network)
  }
  expect(choice(1)).toEqual(choice(1))
  const overlap = (a: number[], b: number[]) => a.filter((bit, i) => bit && b[i]).length
  // Of 214 kept, chance repeats 107 with a standard deviation of 5.2.
  for (const other of [choice(2), choice(1, 1)]) expect(Math.abs(overlap(choice(1), other) - 107)).toBeLessThan(26)
})

it('random ignores the weights', () => {
  const [a, b] = [smallNetwork({ seed: 1 }), smallNetwork({ seed: 2 })]
  for (const network of [a, b]) prune(network, { method: 'random', sparsity: 0.5, seed: 3 })
  expect(masks(a)).toEqual(masks(b))
})

it.each(['global', 'layerwise', 'erk'] as const)('%s: a lower sparsity brings nothing back', (scope) => {
  const network = smallNetwork()
  const { sparsity } = prune(network, { sparsity: 0.9 })
  const before = stateOf(network)
  expect(prune(network, { sparsity: 0.1, scope }).sparsity).toBe(sparsity)
  expect(stateOf(network)).toEqual(before)
})
