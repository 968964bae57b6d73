/**
 * @file SNOWS on small networks: least squares where the loss is quadratic, exact masks, a loss that never
 * rises.
 */
import { describe, expect, it } from 'vitest'
import type { Floats } from '../../../src/engine/machine.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { pruneObc } from '../../../src/methods/layerwise/driver.ts'
import { pruneSnows, type SnowsOptions } from '../../../src/methods/layerwise/snows.ts'
import { keptCount } from '../../../src/sparsity/count.ts'
import { countKept } from '../../../src/sparsity/mask.ts'
import { Network } from '../../../src/train/network.ts'
import { UserError } from '../../../src/util/errors.ts'
import { smallConv, smallImages, stirBatchNorm } from '../../support/small-conv.ts'
import { dataOf, machine, model, smallNetwork, stateOf } from '../../train/small.ts'
import { solve } from './problems.ts'

const COUNT = 50
const NAMES = ['fc1.weight', 'fc2.weight', 'fc3.weight']

/** In float64, of 25-12-8-4 units with biases; no unit is off for all images. */
function preciseNetwork(): Network {
  const network = new Network({ machine: openReference(), model, data: dataOf(), batch: 16 })
  for (const name of ['fc1.bias', 'fc2.bias']) network.values(name).fill(1)
  return network
}

const copyOf = (network: Network) =>
  new Map(network.stored.map(({ name }) => [name, network.values(name).slice()] as const))

type Weights = ReadonlyMap<string, Floats>

/** What goes into each layer and comes out of it, for all images: [count][features]. */
function forward({ data }: Network, weights: Weights) {
  const [mean, std] = [data.mean[0], data.std[0]]
  const pixels = Array.from(data.train.images, (byte) => (byte / 255 - mean) / std)
  let x = Array.from({ length: COUNT }, (_, n) => pixels.slice(25 * n, 25 * (n + 1)))
  return NAMES.map((name) => {
    const [w, b] = [weights.get(name)!, weights.get(name.replace('weight', 'bias'))!]
    const input = x
    const output = x.map((row) =>
      Array.from(b, (bias, o) => row.reduce((sum, value, i) => sum + value * w[o * row.length + i], bias)),
    )
    x = output.map((row) => row.map((y) => Math.max(y, 0)))
    return { input, output }
  })
}

/** The mean squared difference of the logits of two networks. */
function logitLoss(network: Network, a: Weights, b: Weights): number {
  const [y, z] = [a, b].map((weights) => forward(network, weights)[2].output.flat())
  return y.reduce((sum, value, i) => sum + (value - z[i]) ** 2, 0) / y.length
}

it('one step ahead, every layer gets the least squares solution on what the layers before it yield', () => {
  const network = preciseNetwork()
  const before = copyOf(network)
  const exact = { horizon: 1, newtonSteps: 30, cgIterations: 300, damp: 1e-6 }
  pruneSnows(network, { sparsity: 0.6, scope: 'layerwise', ...exact })
  const after = copyOf(network)
  const [dense, pruned] = [forward(network, before), forward(network, after)]
  for (const [layer, name] of NAMES.entries()) {
    const { input: x } = pruned[layer]
    const [found, bias] = [after.get(name)!, after.get(name.replace('weight', 'bias'))!]
    for (const [o, b] of bias.entries()) {
      const at = o * x[0].length
      const kept = [...x[0].keys()].filter((i) => network.mask(name)[at + i] === 1)
      const gram = kept.map((i) => kept.map((j) => x.reduce((sum, row) => sum + row[i] * row[j], 0)))
      const right = kept.map((i) => x.reduce((sum, row, n) => sum + row[i] * (dense[layer].output[n][o] - b), 0))
      const expected = solve(gram, right)
      const size = Math.hypot(...expected)
      const error = Math.hypot(...kept.map((i, k) => found[at + i] - expected[k]))
      expect(error / (size || 1), `${name}, row ${o}`).toBeLessThan(1e-3)
    }
  }
})

describe('masks', () => {
  it.each<[number, NonNullable<SnowsOptions['scope']>]>([
    [0, 'global'],
    [0.37, 'global'],
    [0.8, 'layerwise'],
    [0.8, 'erk'],
    [1, 'global'],
  ])('at %d, %s, are those of the largest magnitudes, and hold', (sparsity, scope) => {
    const network = smallNetwork()
    const before = copyOf(network)
    const { sparsity: found } = pruneSnows(network, { sparsity, scope })
    network.assertMasked()
    const kept = NAMES.map((name) => countKept(network.mask(name)))
    const total = kept.reduce((a, b) => a + b)
    expect(total).toBe(
      scope === 'layerwise'
        ? [300, 96, 32].map((n) => keptCount(n, sparsity)).reduce((a, b) => a + b)
        : keptCount(428, sparsity),
    )
    expect(found).toBeCloseTo(1 - total / 428, 12)
    const groups = scope === 'global' ? [NAMES] : NAMES.map((name) => [name])
    for (const names of groups) {
      const all = names.flatMap((name) => Array.from(before.get(name)!, (w, i) => [Math.abs(w), network.mask(name)[i]]))
      const least = Math.min(...all.filter(([, bit]) => bit === 1).map(([w]) => w))
      expect(all.every(([w, bit]) => bit === 1 || w <= least)).toBe(true)
    }
  })

  it('weights that are zero stay so, whatever the sparsity', () => {
    const network = smallNetwork()
    const zeros = [0, 7, 50, 299]
    for (const i of zeros) network.values('fc1.weight')[i] = 0
    const dense = copyOf(smallNetwork())
    pruneSnows(network, { sparsity: 0, dense })
    expect([...network.mask('fc1.weight').keys()].filter((i) => network.mask('fc1.weight')[i] === 0)).toEqual(zeros)
    network.assertMasked()
  })

  it('of another method stay at its sparsity, and its weights come closer to the dense network', () => {
    const network = preciseNetwork()
    const dense = copyOf(network)
    pruneObc(network, { sparsity: 0.8 })
    const obc = copyOf(network)
    const masks = NAMES.map((name) => [...network.mask(name)])
    const { reconstructions } = pruneSnows(network, { sparsity: 0.8, dense })
    expect(NAMES.map((name) => [...network.mask(name)])).toEqual(masks)
    expect(reconstructions.every(({ horizon }) => horizon!.newtonSteps > 0)).toBe(true)
    expect(logitLoss(network, dense, copyOf(network))).toBeLessThan(0.8 * logitLoss(network, dense, obc))
  })

  it('without the dense network there is nothing to gain then', () => {
    const network = smallNetwork()
    pruneObc(network, { sparsity: 0.8 })
    const before = stateOf(network)
    const { reconstructions } = pruneSnows(network, { sparsity: 0.8 })
    expect(reconstructions.map(({ horizon }) => [horizon!.before, horizon!.newtonSteps])).toEqual(
      [0, 0, 0].map((n) => [n, n]),
    )
    expect(stateOf(network)).toEqual(before)
  })
})

describe('the loss', () => {
  it.each([1, 2, 4, 20])('never rises, %d steps ahead, and the more steps of Newton the less', (horizon) => {
    let last = Number.POSITIVE_INFINITY
    for (const newtonSteps of [0, 1, 3, 8]) {
      const network = smallNetwork()
      const { reconstructions } = pruneSnows(network, { sparsity: 0.7, horizon, newtonSteps })
      const [{ horizon: first }] = reconstructions
      expect(reconstructions.map(({ horizon }) => horizon!.steps)).toEqual([5, 3, 1].map((n) => Math.min(n, horizon)))
      for (const { horizon, error } of reconstructions) {
        expect(horizon!.after).toBeLessThanOrEqual(horizon!.before)
        expect(horizon!.newtonSteps).toBeLessThanOrEqual(newtonSteps)
        expect(error).toBe(horizon!.after / horizon!.before)
      }
      expect(first!.after).toBeLessThanOrEqual(last)
      expect(first!.after).toBeGreaterThan(0)
      last = first!.after
    }
  })

  it('that is reported of the last layer is that of the logits of the network', () => {
    const network = preciseNetwork()
    const dense = copyOf(network)
    const { reconstructions } = pruneSnows(network, { sparsity: 0.8 })
    expect(reconstructions[2].horizon!.after / logitLoss(network, dense, copyOf(network))).toBeCloseTo(1, 6)
  })

  it('further ahead, logits come closer to those of the dense network than by magnitude and one step ahead', () => {
    const [magnitude, near, far] = [{ newtonSteps: 0 }, { horizon: 1 }, { horizon: 20 }].map((options) => {
      const network = preciseNetwork()
      const dense = copyOf(network)
      pruneSnows(network, { sparsity: 0.85, cgIterations: 50, newtonSteps: 6, ...options })
      return logitLoss(network, dense, copyOf(network))
    })
    expect(far).toBeLessThan(near)
    expect(near).toBeLessThan(magnitude)
  })
})

describe('a convolutional network with batch normalization and pooling', () => {
  const made = () => {
    const network = new Network({ machine, model: smallConv, data: smallImages({ train: 200 }), batch: 8 })
    stirBatchNorm(network)
    return network
  }
  const images = { samples: 200, sparsity: 0.6 }

  it('has its layers reconstructed, biases and statistics left alone', () => {
    const network = made()
    const before = copyOf(network)
    const { reconstructions } = pruneSnows(network, images)
    network.assertMasked()
    expect(reconstructions.map(({ name, horizon }) => [name, horizon!.steps])).toEqual([
      ['conv1.weight', 5],
      ['conv2.weight', 3],
      ['fc.weight', 1],
    ])
    for (const { error } of reconstructions) expect(error).toBeLessThan(1)
    for (const { name } of network.stored)
      if (!network.prunable.some((tensor) => tensor.name === name))
        expect([...network.values(name)], name).toEqual([...before.get(name)!])
  })

  it('only the layers that are named change; images are drawn by the seed', () => {
    const run = (options: Partial<SnowsOptions>) => {
      const network = made()
      pruneSnows(network, { ...images, ...options })
      return stateOf(network)
    }
    const before = stateOf(made())
    const after = run({ layers: ['conv2.weight'] })
    const changed = Object.keys(before).filter((name) => String(before[name]) !== String(after[name]))
    expect(changed).toEqual(['conv2.weight', 'mask of conv2.weight'])
    expect(run({ samples: 40, seed: 1 })).toEqual(run({ samples: 40, seed: 1 }))
    expect(run({ samples: 40, seed: 1 })).not.toEqual(run({ samples: 40, seed: 2 }))
  })
})

it('tells its progress', () => {
  const seen: unknown[] = []
  pruneSnows(smallNetwork(), { sparsity: 0.5, newtonSteps: 1, progress: (...values) => seen.push(values) })
  expect(seen).toEqual(NAMES.map((name, i) => [name, i + 1, 3]))
})

describe('what cannot be is refused in a sentence and changes nothing', () => {
  it.each<[Partial<SnowsOptions>, string]>([
    [{ horizon: 0 }, 'horizon: expected a whole number of at least 1, found 0'],
    [{ newtonSteps: 0.5 }, 'newtonSteps: expected a whole number of at least 0, found 0.5'],
    [{ cgIterations: 0 }, 'cgIterations: expected a whole number of at least 1, found 0'],
    [{ damp: -1 }, 'damp: expected a number of at least 0, found -1'],
    [{ samples: 0 }, 'samples: expected a whole number of at least 1, found 0'],
    [{ sparsity: 1.5 }, 'expected a sparsity from 0 to 1'],
    [{ layers: ['fc2.wieght'] }, 'small has no prunable tensor fc2.wieght (did you mean fc2.weight?)'],
    [{ dense: new Map() }, 'dense: expected a tensor fc1.weight, found none'],
  ])('%j', (options, message) => {
    const network = smallNetwork()
    const before = stateOf(network)
    expect(() => pruneSnows(network, { sparsity: 0.5, ...options })).toThrow(UserError)
    expect(() => pruneSnows(network, { sparsity: 0.5, ...options })).toThrow(message)
    expect(stateOf(network)).toEqual(before)
  })

  it.each([
    ['fc2.weight', Number.NaN, 'fc2.weight has weights that are not finite: nothing was pruned'],
    ['fc2.bias', Infinity, 'fc1.weight has a reconstruction loss that is not finite: nothing was pruned'],
  ])('%s[3] = %d', (name, value, message) => {
    const network = smallNetwork()
    network.values(name)[3] = value
    const before = stateOf(network)
    expect(() => pruneSnows(network, { sparsity: 0.5 })).toThrow(message)
    expect(stateOf(network)).toEqual(before)
  })
})
