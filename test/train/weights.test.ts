import { describe, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { openNative } from '../../src/engine/machines/native.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { prune } from '../../src/methods/prune.ts'
import { findModel } from '../../src/models/index.ts'
import { setHyper } from '../../src/optim/sgd.ts'
import { keptCount } from '../../src/sparsity/count.ts'
import { checkpointOf, loadCheckpoint, loadWeights, weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'
import { breadth } from '../support/breadth.ts'
import { largestDifference } from '../support/difference.ts'
import { sets } from '../support/engines.ts'
import { machine, smallNetwork } from './small.ts'

const ALL = 428
const samples = Uint32Array.from({ length: 16 }, (_, i) => i)
const names = ['fc1.weight', 'fc2.weight', 'fc3.weight']

function step(network: Network, steps = 1): number {
  setHyper(network.executable, 0.05, { momentum: 0.9, weightDecay: 1e-3 })
  let loss = 0
  for (let i = 0; i < steps; i++) loss = network.step(samples).loss
  return loss
}

/** Everything trained, whole and row-major. */
const state = (network: Network) =>
  network.parameters.map(({ name }) => [
    ...network.weights.whole(name),
    ...network.weights.whole(name, `${name}.momentum`),
  ])

function expectSame(got: Network, want: Network) {
  const [a, b] = [state(got).flat(), state(want).flat()]
  expect(largestDifference(a, b)).toBeLessThan(1e-4)
}

it('gradual pruning with sparse kernels keeps the weights and the numbers that it has with dense ones', () => {
  const [dense, sparse] = [smallNetwork({ kernels: 'dense' }), smallNetwork({ kernels: 'sparse' })]
  for (const sparsity of [0.3, 0.6, 0.61, 0.9]) {
    for (const network of [dense, sparse]) {
      step(network, 3)
      const { layers } = prune(network, { sparsity })
      expect(layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(keptCount(ALL, sparsity))
    }
    expect(names.map((name) => sparse.weights.isSparse(name))).toEqual([true, true, true])
    for (const name of names) expect(sparse.weights.whole(name, `${name}.mask`)).toEqual(dense.mask(name))
    expectSame(sparse, dense)
  }
  expect(step(sparse, 5)).toBeCloseTo(step(dense, 5), 4)
  expectSame(sparse, dense)
  expect(sparse.evaluate('test').loss).toBeCloseTo(dense.evaluate('test').loss, 4)
  sparse.densify()
  expect(names.some((name) => sparse.weights.isSparse(name))).toBe(false)
  expectSame(sparse, dense)
  sparse.assertMasked()
})

it('a weight that grows at zero is a nonzero, and is trained', () => {
  const network = smallNetwork({ kernels: 'sparse' })
  prune(network, { sparsity: 0.9 })
  const { positions } = network.weights.nonzeros('fc1.weight')
  const free = Array.from({ length: 300 }, (_, i) => i).filter((i) => !positions.includes(i))
  network.weights.rewire('fc1.weight', Int32Array.from([...positions, ...free]).sort())
  expect(network.counts()[0]).toEqual({ name: 'fc1.weight', size: 300, kept: 300 })
  expect(free.every((i) => network.values('fc1.weight')[i] === 0)).toBe(true)
  step(network)
  expect(free.filter((i) => network.values('fc1.weight')[i] !== 0).length).toBeGreaterThan(50)
})

it('thousands of rewirings keep the count, the weights that stay, and agree with masked dense weights', () => {
  const [dense, sparse] = [smallNetwork({ kernels: 'dense' }), smallNetwork({ kernels: 'sparse' })]
  for (const network of [dense, sparse]) prune(network, { sparsity: 0.8 })
  const rng = random(1, 'rewiring')
  for (let event = 0; event < 3000; event++) {
    // Weights move within a layer or, now and then, from one layer to another.
    const [from, to] = rng.below(4) ? [names[event % 3], names[event % 3]] : [names[rng.below(3)], names[rng.below(3)]]
    const lost = sparse.weights.nonzeros(from).positions
    const gone = lost[rng.below(Math.max(1, lost.length))]
    const stay = (name: string, all: Int32Array) => [...all].filter((at) => name !== from || at !== gone)
    const size = sparse.prunable.find(({ name }) => name === to)!.shape.reduce((a, b) => a * b)
    const taken = new Set(sparse.weights.nonzeros(to).positions)
    if (lost.length === 0 || taken.size === size) continue
    let grown = rng.below(size)
    while (taken.has(grown)) grown = rng.below(size)
    for (const network of [dense, sparse])
      for (const name of new Set([from, to])) {
        const positions = stay(name, network.weights.nonzeros(name).positions)
        if (name === to) positions.push(grown)
        network.weights.rewire(name, Int32Array.from(positions).sort())
      }
    if (event % 20 === 0) {
      const [a, b] = [step(sparse), step(dense)]
      expect(Math.abs(a - b)).toBeLessThan(1e-4)
    }
    const counts = names.map((name) => sparse.weights.count(name))
    expect(counts.reduce((a, b) => a + b)).toBe(keptCount(ALL, 0.8))
  }
  for (const name of names) expect(sparse.weights.whole(name, `${name}.mask`)).toEqual(dense.mask(name))
  expectSame(sparse, dense)
})

it('a checkpoint of a sparse network is the dense one, and brings back the same kernels', () => {
  const network = smallNetwork({ kernels: 'sparse' })
  prune(network, { sparsity: 0.7 })
  step(network, 4)
  const file = checkpointOf(network, {})
  const again = smallNetwork({ kernels: 'sparse' })
  loadCheckpoint(again, file, 'file')
  expect(state(again)).toEqual(state(network))
  expect([step(again, 3), state(again)]).toEqual([step(network, 3), state(network)])
  const dense = smallNetwork({ kernels: 'dense' })
  loadCheckpoint(dense, file, 'file')
  expectSame(dense, smallWith(file))
  // Weights of another network replace those of a sparse one as well.
  const other = smallNetwork({ seed: 5 })
  loadWeights(again, weightsOf(other), 'file')
  expect(again.evaluate('test')).toEqual(other.evaluate('test'))
})

function smallWith(file: Parameters<typeof loadCheckpoint>[1]): Network {
  const network = smallNetwork({ kernels: 'sparse' })
  loadCheckpoint(network, file, 'file')
  return network
}

describe('memory', () => {
  it('weights, optimizer state and gradients of a network at 95 % take less than a quarter of dense', () => {
    const model = findModel('resnet20')
    const data = synthetic({ train: 8, test: 1, image: model.image, classes: model.classes })
    const network = new Network({ machine, model, data, batch: 8, kernels: 'sparse' })
    const images = data.train.images.length + data.test.images.length
    const before = 4 * network.executable.memory.persistent - images
    prune(network, { sparsity: 0.95, scope: 'layerwise' })
    expect(4 * network.executable.memory.persistent - images).toBeLessThan(before / 4)
  })
})

it.each(sets)('native %s: any number of threads gives the same bits', (set) => {
  const model = findModel('resnet20')
  const data = synthetic({ train: 21, test: 1, image: model.image, classes: model.classes })
  const [alone, ...together] = breadth([1, 3], [1, 2, 3, 4]).map((threads) => {
    const network = new Network({ machine: openNative(threads, set), model, data, batch: 21, kernels: 'sparse' })
    prune(network, { sparsity: 0.9 })
    setHyper(network.executable, 0.05, { momentum: 0.9 })
    for (let i = 0; i < 2; i++) network.step(Uint32Array.from({ length: 21 }, (_, n) => n))
    return state(network)
  })
  for (const one of together) expect(one).toEqual(alone)
})

it('the reference machine holds weights sparse too', () => {
  const network = smallNetwork({ kernels: 'sparse', machine: openReference() })
  prune(network, { sparsity: 0.8 })
  const native = smallNetwork({ kernels: 'sparse' })
  prune(native, { sparsity: 0.8 })
  expect(step(network, 5)).toBeCloseTo(step(native, 5), 4)
})

describe('a network that only evaluates', () => {
  it.each(['sparse', 'auto', 'dense'] as const)('runs on %s kernels and computes the same', (kernels) => {
    const model = findModel('lenet-300-100')
    const data = synthetic({ train: 16, test: 60, image: model.image, classes: model.classes })
    const trained = new Network({ machine, model, data, batch: 16 })
    prune(trained, { sparsity: 0.95 })
    const network = new Network({ machine, model, data, kernels })
    loadWeights(network, weightsOf(trained), 'file')
    network.fitKernels()
    expect(network.weights.isSparse('fc1.weight')).toBe(kernels !== 'dense')
    expect(network.counts()).toEqual(trained.counts())
    const [got, want] = [network.evaluate('test'), trained.evaluate('test')]
    expect(got.correct).toBe(want.correct)
    expect(got.loss).toBeCloseTo(want.loss, 4)
    const pruned = network.weights.whole('fc1.weight')
    network.densify()
    expect([...network.values('fc1.weight')]).toEqual([...pruned])
  })
})
