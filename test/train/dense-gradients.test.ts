import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { costTables } from '../../src/engine/costs/index.ts'
import type { Floats } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { patternNames } from '../../src/graph/sparsify.ts'
import { prune } from '../../src/methods/prune.ts'
import { smoothedGradients, smoothedName } from '../../src/methods/rewiring/smoothed-gradients.ts'
import { findModel } from '../../src/models/index.ts'
import { setHyper } from '../../src/optim/sgd.ts'
import { Network } from '../../src/train/network.ts'
import type { NetworkOptions } from '../../src/train/options.ts'
import { rows } from '../support/breadth.ts'
import { largestDifference } from '../support/difference.ts'
import { machine, smallNetwork } from './small.ts'

const samples = Uint32Array.from({ length: 16 }, (_, i) => i)

/**
 * The bits of what a network holds: parameters, running statistics, masks, momentum and patterns, as they lie
 * in the arena.
 */
function everything(network: Network): Record<string, string> {
  const bits = ({ buffer, byteOffset, byteLength }: Floats | Int32Array) =>
    createHash('sha256')
      .update(new Uint8Array(buffer, byteOffset, byteLength))
      .digest('hex')
  const sparse = network.prunable.filter(({ name }) => network.weights.isSparse(name))
  const patterns = sparse.flatMap(({ name }) => Object.values(patternNames(name)))
  return Object.fromEntries([
    ...network.stored.map(({ name }) => [name, bits(network.values(name))]),
    ...network.prunable.map(({ name }) => [`mask of ${name}`, bits(network.mask(name))]),
    ...network.parameters.map(({ name }) => [`momentum of ${name}`, bits(network.momentum(name))]),
    ...patterns.map((state) => [state, bits(network.executable.integers(state))]),
  ])
}

function train(network: Network, steps: number) {
  setHyper(network.executable, 0.05, { momentum: 0.9, weightDecay: 1e-3 })
  for (let step = 0; step < steps; step++) network.step(samples)
}

/**
 * The gradients by the dense engine: a network with the same weights and no masks takes one step without
 * decay, after which momentum is the gradient.
 */
function byDenseStep(
  network: Network,
  make: (options: Partial<NetworkOptions>) => Network,
  when = { seed: 0, epoch: 0, step: 0 },
) {
  const dense = make({ kernels: 'dense', denseGradients: false })
  for (const { name } of dense.stored) dense.values(name).set(network.weights.whole(name))
  setHyper(dense.executable, 0, {})
  dense.step(samples, when)
  return dense.prunable.map(({ name }) => dense.momentum(name))
}

function expectGradients(got: ArrayLike<number>[], want: ArrayLike<number>[]) {
  expect(got.map(({ length }) => length)).toEqual(want.map(({ length }) => length))
  for (const [t, gradient] of want.entries()) {
    const largest = Array.from(gradient).reduce((most, g) => Math.max(most, Math.abs(g)), 0)
    expect(largest).toBeGreaterThan(0)
    expect(largestDifference(got[t], gradient)).toBeLessThan(1e-4 * largest)
  }
}

const networks: Record<string, (options: Partial<NetworkOptions>) => Network> = {
  'linear layers': (options) => smallNetwork(options),
  ...Object.fromEntries(
    ['resnet20', 'lenet-300-100'].map((name) => [
      name,
      (options: Partial<NetworkOptions>) => {
        const model = findModel(name)
        const data = synthetic({ train: 40, test: 1, image: model.image, classes: model.classes })
        return new Network({ machine, model, data, batch: 16, ...options })
      },
    ]),
  ),
}

/** By which `auto` takes sparse kernels for some layers, whatever the machine. */
const costs = costTables.avx2

/** A step of a convolutional network takes a second: on kernels of both kinds alone, but at night. */
const kindsFor = (name: string) =>
  rows(['dense', 'sparse', 'auto'] as const, (kernels) => name !== 'resnet20' || kernels === 'auto')

describe.each(Object.entries(networks))('dense gradients of %s', (name, make) => {
  it.each(kindsFor(name))(
    'are those of the dense engine, on %s kernels, and change nothing',
    { timeout: 120_000 },
    (kernels) => {
      const network = make({ kernels, costs, denseGradients: true })
      prune(network, { sparsity: 0.9 })
      train(network, 3)
      const before = everything(network)
      const gradients = network.denseGradients(samples)
      expect(everything(network)).toEqual(before)
      expect(network.prunable.some(({ name }) => network.weights.isSparse(name))).toBe(kernels !== 'dense')
      expectGradients(gradients, byDenseStep(network, make))
      // The next step is what it would have been.
      const other = make({ kernels, costs, denseGradients: true })
      prune(other, { sparsity: 0.9 })
      train(other, 3)
      train(other, 2)
      train(network, 2)
      expect(everything(network)).toEqual(everything(other))
    },
  )
})

it('are of the batch that a step would see: its crops and flips', () => {
  const make = (options: Partial<NetworkOptions>) =>
    smallNetwork({ augment: { pad: 2, flip: true, fill: 'zero' }, ...options })
  const network = make({ kernels: 'sparse', denseGradients: true })
  prune(network, { sparsity: 0.5 })
  const when = { seed: 3, epoch: 2, step: 7 }
  const gradients = network.denseGradients(samples, when)
  expectGradients(gradients, byDenseStep(network, make, when))
  expect(network.denseGradients(samples, { ...when, epoch: 1 })).not.toEqual(gradients)
})

it('are there after rewiring, for a smaller last batch, on the reference machine', () => {
  const make = (options: Partial<NetworkOptions>) => smallNetwork({ machine: openReference(), ...options })
  const network = make({ kernels: 'sparse', denseGradients: true })
  prune(network, { sparsity: 0.8 })
  const { positions } = network.weights.nonzeros('fc1.weight')
  const free = Array.from({ length: 300 }, (_, i) => i).filter((i) => !positions.includes(i))
  network.weights.rewire('fc1.weight', Int32Array.from([...positions, ...free.slice(0, 150)]).sort())
  expectGradients(network.denseGradients(samples), byDenseStep(network, make))
  expect(network.denseGradients(samples.subarray(0, 2)).map(({ length }) => length)).toEqual([300, 96, 32])
})

it('cost nothing where no method asks for them', () => {
  const without = smallNetwork({ kernels: 'sparse' })
  const asked = smallNetwork({ kernels: 'sparse', denseGradients: true })
  expect(asked.executable.memory.persistent).toBeGreaterThan(without.executable.memory.persistent)
  expect(() => without.denseGradients(samples)).toThrow('dense gradients/16')
})

it.each(['dense', 'sparse'] as const)(
  'smoothed over the steps they are averages of those of each, on %s kernels',
  (kernels) => {
    const network = smallNetwork({ kernels, denseGradients: true, rules: [smoothedGradients(0.75)] })
    prune(network, { sparsity: 0.8 })
    const average = network.prunable.map(({ shape }) => new Float64Array(shape[0] * shape[1]))
    setHyper(network.executable, 0.05, { momentum: 0.9, weightDecay: 1e-2, l1: 1e-3 })
    for (let step = 0; step < 4; step++) {
      network.denseGradients(samples).forEach((gradient, t) => {
        gradient.forEach((g, i) => {
          average[t][i] = 0.75 * average[t][i] + 0.25 * g
        })
      })
      network.step(samples)
      // New programs over a new arena keep it.
      if (step === 1 && kernels === 'sparse')
        network.weights.rewire(
          'fc1.weight',
          Int32Array.from({ length: 299 }, (_, i) => i),
        )
    }
    const found = network.prunable.map(({ name }) => network.state(smoothedName(name)))
    expectGradients(found, average)
  },
)
