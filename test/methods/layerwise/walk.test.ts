import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import type { Machine } from '../../../src/engine/machine.ts'
import { conv, convLayer } from '../../../src/graph/operators/conv.ts'
import { add, relu } from '../../../src/graph/operators/elementwise.ts'
import { linear } from '../../../src/graph/operators/linear.ts'
import { globalAveragePool } from '../../../src/graph/operators/pooling.ts'
import { flatten } from '../../../src/graph/operators/shape.ts'
import { calibrate } from '../../../src/methods/layerwise/calibration.ts'
import { pruneInSequence } from '../../../src/methods/layerwise/in-sequence.ts'
import { fromMatrix } from '../../../src/methods/layerwise/layer.ts'
import { joined, layerProblems } from '../../../src/methods/layerwise/problem.ts'
import { sparseGpt } from '../../../src/methods/layerwise/sparsegpt.ts'
import { type Calibrated, LayerWalk } from '../../../src/methods/layerwise/walk.ts'
import { wanda } from '../../../src/methods/layerwise/wanda.ts'
import type { Model } from '../../../src/models/model.ts'
import { keptCount } from '../../../src/sparsity/count.ts'
import { Network } from '../../../src/train/network.ts'
import { largestDifference } from '../../support/difference.ts'
import { best } from '../../support/engines.ts'

/**
 * Blocks with shortcuts, a layer that is used twice with another between, and the images once more at the
 * end: things that are alive for long.
 */
const model: Model = {
  name: 'blocks',
  summary: 'for tests',
  image: [3, 8, 8],
  classes: 5,
  build(graph, images) {
    let x = relu(graph, convLayer(graph, images, 'stem', 6, 3, { pad: 1, bias: true }))
    for (const block of ['a', 'b']) {
      const y = relu(graph, convLayer(graph, x, `${block}.1`, 6, 3, { pad: 1, group: block === 'b' ? 2 : 1 }))
      x = relu(graph, add(graph, x, convLayer(graph, y, `${block}.2`, 6, 1)))
    }
    const shared = graph.parameter('shared', [6, 6, 1, 1], { in: 6, out: 6 })
    x = relu(graph, conv(graph, x, shared))
    x = relu(graph, convLayer(graph, x, 'between', 6, 3, { pad: 1 }))
    x = add(graph, conv(graph, x, shared), convLayer(graph, images, 'late', 6, 1))
    return linear(graph, flatten(graph, globalAveragePool(graph, x)), 'last', 5)
  },
}
const names = ['stem', 'a.1', 'a.2', 'b.1', 'b.2'].map((name) => `${name}.weight`)
const all = [...names, 'shared', 'between.weight', 'late.weight', 'last.weight']

const networkOf = (of = model, machine = best) => {
  const data = synthetic({ image: [3, 8, 8], classes: 5, train: 45, test: 5 })
  return new Network({ machine, model: of, data, masks: true })
}
const imagesOf = ({ data }: Network) => data.train.images

/** A machine that notes how many floats were allocated in all. */
function counting() {
  const found = { floats: 0, calls: 0 }
  const allocate = (size: number) => {
    found.floats += size
    found.calls++
    return best.allocate(size)
  }
  const machine: Machine = { ...best, allocate }
  return { machine, found }
}

it.each([
  ['in the order of the network', all],
  ['in another one', [...all].reverse()],
])('layer by layer, %s, the products are those of every layer alone', (_, order) => {
  const network = networkOf()
  const together = calibrate(network, order, imagesOf(network))
  expect(together.map(({ layer }) => layer.name)).toEqual(order)
  for (const { layer, grams } of together) {
    const [alone] = calibrate(network, [layer.name], imagesOf(network))
    expect(alone.layer).toEqual(layer)
    grams.forEach((gram, group) => {
      const scale = Math.max(...gram.map(Math.abs))
      expect(largestDifference(gram, alone.grams[group])).toBeLessThan(1e-6 * scale)
    })
  }
})

it('what does not fit into memory waits in files, which are gone in the end; nothing else changes', () => {
  const network = networkOf()
  const inFiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith('espalier-activations-')).length
  const before = inFiles()
  const kept: number[] = []
  const productsWith = (memory: number) => {
    const walk = new LayerWalk(network, all, imagesOf(network), { memory })
    const found = all.map((name) => {
      const grams = walk.products(name).grams.map((gram) => gram.slice())
      kept.push(walk.kept)
      return grams
    })
    if (memory < 1000) expect(inFiles()).toBeGreaterThan(before)
    walk.close()
    return found
  }
  const inMemory = productsWith(2 ** 30)
  // Of 45 samples of 8 x 8 places: the images and 6 or 12 channels.
  const most = 4 * 45 * 64 * (3 + 12)
  expect(Math.max(...kept)).toBeGreaterThan(4 * 45 * 64 * 3)
  expect(Math.max(...kept)).toBeLessThanOrEqual(most)
  kept.splice(0)
  for (const memory of [0, 4 * 45 * 64 * 5]) {
    expect(productsWith(memory)).toEqual(inMemory)
    expect(Math.max(...kept)).toBeLessThanOrEqual(memory)
    kept.splice(0)
  }
  expect(inFiles()).toBe(before)
})

it('programs take as many samples at once as they have room for', () => {
  const network = networkOf()
  const [whole] = calibrate(network, ['between.weight'], imagesOf(network))
  for (const program of [1, 4000, 20_000]) {
    const { machine, found } = counting()
    const narrow: Calibrated = { ...view(network), machine }
    const [{ grams }] = calibrate(narrow, ['between.weight'], imagesOf(network), { program })
    const scale = Math.max(...whole.grams[0].map(Math.abs))
    expect(largestDifference(grams[0], whole.grams[0])).toBeLessThan(1e-6 * scale)
    // Beside the products: temporary values, parameters, and what goes in and out.
    expect(found.floats - 2 ** 21 - 2 * 54 ** 2).toBeLessThan(2 * Math.max(program, 4000) + 8000)
  }
})

const view = (network: Network): Calibrated => ({
  machine: network.machine,
  model: network.model,
  data: network.data,
  stored: network.stored,
  values: (name) => network.values(name),
})

it('the memory of a deep network is that of its largest layer', () => {
  const deep = (layers: number): Model => ({
    ...model,
    build(graph, images) {
      let x = relu(graph, convLayer(graph, images, 'stem', 6, 3, { pad: 1 }))
      for (let i = 0; i < layers; i++) x = relu(graph, convLayer(graph, x, `${i}`, 6, 3, { pad: 1 }))
      return linear(graph, flatten(graph, globalAveragePool(graph, x)), 'last', 5)
    },
  })
  const taken = [2, 12].map((layers) => {
    const { machine, found } = counting()
    const network = networkOf(deep(layers))
    const names = network.prunable.map(({ name }) => name)
    const walk = new LayerWalk({ ...view(network), machine }, names, imagesOf(network))
    const kept = names.map((name) => {
      walk.products(name)
      return walk.kept
    })
    walk.close()
    return { ...found, kept: Math.max(...kept) }
  })
  expect(taken[1]).toEqual(taken[0])
})

it.each(['sparsegpt', 'wanda'] as const)(
  '%s: the weights are those of layers pruned one after another, each computed from the images',
  (method) => {
    const sparsity = 2 / 3 // No group has a rest.
    const network = networkOf()
    const literal = networkOf()
    for (const { name, shape } of literal.prunable) {
      const [{ layer, grams }] = calibrate(literal, [name], imagesOf(literal))
      const problems = layerProblems(best, layer, literal.values(name), grams, 0.01)
      const target = { keep: keptCount(shape.reduce((a, b) => a * b) / problems.length, sparsity) }
      const solve = method === 'wanda' ? wanda : sparseGpt
      const solved = problems.map((problem) => solve(problem, target, best))
      literal.values(name).set(fromMatrix(layer, joined(solved, 'weights')))
    }
    pruneInSequence(network, method, { sparsity, samples: 45 })
    for (const { name } of network.prunable) {
      const [found, expected] = [network, literal].map((one) => [...one.values(name)])
      expect(found.map((w) => w !== 0)).toEqual(expected.map((w) => w !== 0))
      expect(largestDifference(found, expected)).toBeLessThan(1e-5)
    }
  },
)
