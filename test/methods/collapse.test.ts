/** @file Layer collapse when a network is pruned: warned of, prevented by a floor, refused. */
import { expect, it } from 'vitest'
import { prune } from '../../src/methods/prune.ts'
import type { Network } from '../../src/train/network.ts'
import { UserError } from '../../src/util/errors.ts'
import { smallNetwork, stateOf } from '../train/small.ts'

/** A network whose middle layer a ranking over all layers empties. */
function faint(): Network {
  const network = smallNetwork()
  const weights = network.values('fc2.weight')
  weights.set(weights.map((w) => w * 1e-6))
  return network
}
const kept = ({ layers }: { layers: { kept: number }[] }) => layers.reduce((sum, layer) => sum + layer.kept, 0)

it('warn: the result says that no path is left, and the network answers the same to every input', () => {
  const network = faint()
  const result = prune(network, { sparsity: 0.9 })
  expect(result).toMatchObject({ collapsed: [{ name: 'fc2.weight' }], deadOutputs: 4, outputs: 4 })
  expect(result.layers.map(({ effective }) => effective)).toEqual([0, 0, 0])
  expect(network.evaluate('test').constant).toBe(true)
  expect(smallNetwork().evaluate('test').constant).toBeUndefined()
})

it('floor: the least floor that leaves a path; the count stays', () => {
  const network = faint()
  const result = prune(network, { sparsity: 0.9, onCollapse: 'floor' })
  expect(result).toMatchObject({ collapsed: [], floor: '2' })
  // One weight would not do: it meets none of the next layer.
  expect(result.layers[1].kept).toBe(2)
  expect(result.deadOutputs).toBeLessThan(4)
  expect(kept(result)).toBe(kept(prune(faint(), { sparsity: 0.9 })))
  // It begins at twice the floor that was asked for, and keeps quiet where none is needed.
  const more = prune(faint(), { sparsity: 0.9, floor: { weights: 3, share: 0 }, onCollapse: 'floor' })
  expect([more.floor, more.layers[1].kept]).toEqual([undefined, 3])
  expect(prune(smallNetwork(), { sparsity: 0.5, onCollapse: 'floor' }).floor).toBeUndefined()
})

it.each<[string, object, string]>([
  [
    'error',
    { sparsity: 0.9, onCollapse: 'error' },
    'pruning to a sparsity of 0.9: layer fc2.weight has collapsed: none of its weights is left; no path leads from the input to the output',
  ],
  [
    'a floor that does not fit',
    { sparsity: 0.995, floor: { weights: 1, share: 0 } },
    'a floor of 1 in every layer needs 3 weights, the sparsity keeps 2',
  ],
  ['no floor that helps', { sparsity: 0.995, onCollapse: 'floor' }, 'a floor of 1 in every layer needs 3 weights'],
  [
    'an unknown granularity',
    { sparsity: 0.5, granularity: '3:2' },
    'granularity: expected one of weight, N:M, N:M-channels, BxB, block8, channel, row, kernel, filter, fan-in with numbers for capitals, found 3:2',
  ],
])('%s: one sentence, and nothing is changed', (_, options, message) => {
  const network = faint()
  const before = stateOf(network)
  const attempt = () => prune(network, { sparsity: 0.9, ...options })
  expect(attempt).toThrow(UserError)
  expect(attempt).toThrow(message)
  expect(stateOf(network)).toEqual(before)
})

it.each(['2:4', '4x4', 'channel'])('%s: removed weights are zero and stay so while sparsity rises', (granularity) => {
  const network = smallNetwork()
  let before = prune(network, { sparsity: 0.5, granularity })
  expect(kept(before)).toBeLessThanOrEqual(214)
  network.assertMasked()
  for (const sparsity of [0.6, 0.8]) {
    const after = prune(network, { sparsity, granularity })
    expect(kept(after)).toBeLessThan(kept(before))
    network.assertMasked()
    before = after
  }
})

it('only the parameters that may be pruned have masks', () => {
  const network = smallNetwork({ prunable: ['fc1.weight', 'fc3.weight'] })
  const second = [...network.values('fc2.weight')]
  const result = prune(network, { sparsity: 0.9 })
  expect(result.layers.map(({ name }) => name)).toEqual(['fc1.weight', 'fc3.weight'])
  expect(kept(result)).toBe(33)
  expect([...network.values('fc2.weight')]).toEqual(second)
  expect(() => network.mask('fc2.weight')).toThrow('fc2.weight.mask')
})
