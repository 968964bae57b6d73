import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { costTables } from '../../src/engine/costs/index.ts'
import { openNative } from '../../src/engine/machines/native.ts'
import { Graph, prunableParameters } from '../../src/graph/graph.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { findModel } from '../../src/models/index.ts'
import { LayerKernels } from '../../src/train/kernels.ts'
import { Network } from '../../src/train/network.ts'
import { tableOf } from '../support/cost-table.ts'
import { best, sets, wasm } from '../support/engines.ts'
import { prunedCase } from '../support/pruned-case.ts'

const held = { isSparse: () => false, capacity: () => 0 }

/** A forward pass of a built-in network, its prunable weights, and what a table chooses of them. */
function inference(name: string, batch: number, costs = tableOf(1, 1e-6)) {
  const model = findModel(name)
  const graph = new Graph()
  graph.output('logits', model.build(graph, graph.input('images', [batch, ...model.image]), false))
  const prunable = prunableParameters(graph)
  const kernels = new LayerKernels({ kind: 'auto', costs, pass: 'forward' }, { infer: graph }, prunable)
  const shapes = new Map(prunable.map(({ name, shape }) => [name, shape]))
  return { kernels, shapes, sizes: new Map(prunable.map(({ name, shape }) => [name, sizeOf(shape)])) }
}

it.each([
  ['mobilenet-v1', 1],
  ['mobilenet-v1', 16],
  ['resnet20', 1],
  ['lenet-300-100', 1],
])('a layer of %s without zeros is dense at batch %i, though sparse kernels cost nothing', (name, batch) => {
  const { kernels, sizes, shapes } = inference(name, batch)
  const size = (layer: string) => sizes.get(layer)!
  expect(kernels.choose(size, held)).toEqual(new Map())
  expect(kernels.gains(size).filter(({ sparse }) => sparse)).toEqual([])
  // With a single zero each layer takes them, but those that have no sparse kernels: depthwise ones.
  const less = (layer: string) => size(layer) - 1
  const chosen = [...kernels.choose(less, held).keys()]
  expect(chosen).toEqual(
    [...shapes].filter(([, [, channels]]) => channels > 1 || name !== 'mobilenet-v1').map(([name]) => name),
  )
  expect(chosen.length).toBeGreaterThan(2)
})

it('no table of an instruction set takes a sparse kernel for a layer without zeros', () => {
  for (const costs of Object.values(costTables))
    for (const batch of [1, 16]) {
      const { kernels, sizes } = inference('mobilenet-v1', batch, costs)
      expect(kernels.choose((layer) => sizes.get(layer)!, held).size).toBe(0)
      // Of 2 % of the weights it takes one for all that have them.
      const few = kernels.choose((layer) => Math.ceil(0.02 * sizes.get(layer)!), held)
      expect([...few.keys()].filter((layer) => /pointwise|fc/.test(layer)).length).toBeGreaterThan(12)
    }
})

it('the table decides, not the machine or its threads', () => {
  const { file } = prunedCase('lenet-300-100')
  const machines = [best, wasm, ...sets.flatMap((set) => [1, 2].map((threads) => openNative(threads, set)))]
  for (const machine of machines) {
    const chosen = (sparse: number) =>
      new SparseModel(file, { machine, costs: tableOf(1, sparse) }).layers(4).map((layer) => layer.sparse)
    expect(chosen(1e-3)).toEqual([true, true, true])
    expect(chosen(1e3)).toEqual([false, false, false])
  }
})

it('a network goes by its table, of steps where it trains and of forward passes where it does not', () => {
  const model = findModel('lenet-300-100')
  const data = synthetic({ train: 32, test: 8, image: model.image, classes: model.classes })
  const costs = {
    ...tableOf(1, 1e3),
    costs: { forward: tableOf(1, 1e3).costs.forward, step: tableOf(1, 1e-3).costs.step },
  }
  const sparse = (batch?: number) => {
    const network = new Network({ machine: best, model, data, batch, kernels: 'auto', costs })
    for (const { name } of network.prunable) network.values(name)[0] = 0
    if (batch) for (const { name } of network.prunable) network.mask(name)[0] = 0
    network.fitKernels()
    return network.prunable.map(({ name }) => network.weights.isSparse(name))
  }
  expect(sparse(16)).toEqual([true, true, true])
  expect(sparse()).toEqual([false, false, false])
  expect(new Network({ machine: best, model, data }).kernels.costs).toBe(costTables[best.instructionSet])
})
