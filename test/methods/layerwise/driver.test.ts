import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadDataset } from '../../../src/data/index.ts'
import { readSafetensors } from '../../../src/formats/safetensors.ts'
import { conv, convLayer } from '../../../src/graph/operators/conv.ts'
import { relu } from '../../../src/graph/operators/elementwise.ts'
import { matmul } from '../../../src/graph/operators/linear.ts'
import { globalAveragePool } from '../../../src/graph/operators/pooling.ts'
import { flatten } from '../../../src/graph/operators/shape.ts'
import { calibrate } from '../../../src/methods/layerwise/calibration.ts'
import { type LayerwiseOptions, type LayerwiseResult, pruneObc } from '../../../src/methods/layerwise/driver.ts'
import { pruneInSequence, pruneSparseGpt } from '../../../src/methods/layerwise/in-sequence.ts'
import { toMatrix } from '../../../src/methods/layerwise/layer.ts'
import { layerProblems, outputError } from '../../../src/methods/layerwise/problem.ts'
import { prune } from '../../../src/methods/prune.ts'
import { findModel } from '../../../src/models/index.ts'
import type { Model } from '../../../src/models/model.ts'
import { keptCount } from '../../../src/sparsity/count.ts'
import { countKept } from '../../../src/sparsity/mask.ts'
import { loadWeights } from '../../../src/train/checkpoint.ts'
import { Network } from '../../../src/train/network.ts'
import { train } from '../../../src/train/train.ts'
import { UserError } from '../../../src/util/errors.ts'
import { isFull } from '../../support/breadth.ts'
import { best } from '../../support/engines.ts'
import { dataOf, machine, smallNetwork, stateOf } from '../../train/small.ts'

/** Weights of fc1, fc2 and fc3: 300 + 96 + 32. */
const ALL = 428
const NAMES = ['fc1.weight', 'fc2.weight', 'fc3.weight']

/** With no unit that is off for all images, which would be a dead input of the next layer. */
function liveNetwork(): Network {
  const network = smallNetwork()
  for (const name of ['fc1.bias', 'fc2.bias']) network.values(name).fill(1)
  return network
}

type Prune = (network: Network, options: LayerwiseOptions & { sparsity: number }) => LayerwiseResult
const methods: [string, Prune][] = [
  ['OBC', pruneObc],
  ['SparseGPT', pruneSparseGpt],
  ['Wanda', (network, options) => pruneInSequence(network, 'wanda', options)],
  ['RIA', (network, options) => pruneInSequence(network, 'ria', options)],
  ['ALPS', (network, options) => pruneInSequence(network, 'alps', options)],
]
const kept = (network: Network) => network.prunable.map(({ name }) => countKept(network.mask(name)))
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b)

/** Convolutions, plain, grouped and depthwise, and a MatMul, on images of 4 channels. */
const model: Model = {
  name: 'mixed',
  summary: 'for tests',
  image: [4, 6, 6],
  classes: 3,
  build(graph, images) {
    let x = relu(graph, convLayer(graph, images, 'plain', 8, 3, { pad: 1, bias: true }))
    x = relu(graph, convLayer(graph, x, 'grouped', 6, 3, { group: 2, stride: 2 }))
    x = relu(
      graph,
      conv(graph, x, graph.parameter('depthwise', [6, 1, 2, 2], { in: 4, out: 4 }), undefined, { group: 6 }),
    )
    const features = flatten(graph, globalAveragePool(graph, x))
    return matmul(graph, features, graph.parameter('last', [6, 3], { in: 6, out: 3 }))
  },
}
const mixedNetwork = () =>
  new Network({ machine, model, data: dataOf({ image: model.image, classes: 3, train: 60 }), batch: 20 })

describe.each(methods)('%s', (what, method) => {
  it.each([0, 0.31, 0.8, 1])('at sparsity %d keeps exactly the weights it says, masked and counted', (sparsity) => {
    const network = liveNetwork()
    const result = method(network, { sparsity })
    network.assertMasked()
    const expected =
      method === pruneObc ? keptCount(ALL, sparsity) : sum([300, 96, 32].map((n) => keptCount(n, sparsity)))
    expect(sum(kept(network))).toBe(expected)
    expect(result.layers.map((layer) => layer.kept)).toEqual(kept(network))
    expect(result.sparsity).toBeCloseTo(1 - expected / ALL, 12)
    expect(result.reconstructions.map(({ name }) => name)).toEqual(NAMES)
  })

  it('nothing to prune, nothing changes but for rounding; everything to prune, all outputs are lost', () => {
    const network = liveNetwork()
    const before = [...network.values('fc1.weight')]
    expect(method(network, { sparsity: 0 }).reconstructions.every(({ error }) => error === 0)).toBe(true)
    expect([...network.values('fc1.weight')]).toEqual(before)
    const { reconstructions } = method(network, { sparsity: 1 })
    expect(reconstructions[0].error).toBeCloseTo(1, 10)
  })

  it.each(['plain.weight', 'grouped.weight', 'depthwise', 'last'])(
    'the error that is reported of %s is that of its outputs, and less than of magnitude pruning where what stays changes',
    (name) => {
      const network = mixedNetwork()
      const [{ layer, grams }] = calibrate(network, [name], network.data.train.images)
      const problems = layerProblems(best, layer, network.values(name), grams, 0.01)
      const share = (matrix: Float64Array, group: number) => {
        const size = matrix.length / problems.length
        return matrix.subarray(group * size, (group + 1) * size)
      }
      const errorOf = (tensor: ArrayLike<number>) => {
        const matrix = toMatrix(layer, Float64Array.from(tensor))
        return sum(problems.map((problem, g) => outputError(best, problem, share(matrix, g)))) / problems[0].unit!
      }
      const weights = [...network.values(name)]
      const { reconstructions } = method(network, { sparsity: 0.5, layers: [name] })
      network.assertMasked()
      expect(reconstructions[0].error / errorOf(network.values(name))).toBeCloseTo(1, 4)
      const order = weights.map((_, i) => i).sort((i, j) => Math.abs(weights[j]) - Math.abs(weights[i]))
      const largest = new Set(order.slice(0, keptCount(weights.length, 0.5)))
      const magnitude = errorOf(weights.map((w, i) => (largest.has(i) ? w : 0)))
      // One sweep over 6 columns has little room.
      if (!['Wanda', 'RIA'].includes(what))
        expect(reconstructions[0].error).toBeLessThan(magnitude * (name === 'last' ? 1.01 : 1))
    },
  )

  it('an input that is always zero is reported and its weights go', () => {
    const data = { ...dataOf(), mean: [0] }
    for (let n = 0; n < data.train.count; n++) data.train.images[n * 25 + 7] = 0
    const network = smallNetwork({ data })
    const { reconstructions } = method(network, { sparsity: 0.2 })
    expect(reconstructions[0].dead).toBe(1)
    const column = Array.from({ length: 12 }, (_, row) => network.values('fc1.weight')[row * 25 + 7])
    expect(column).toEqual(new Array(12).fill(0))
    network.assertMasked()
  })

  it('samples that are held out are not looked at', () => {
    const data = { ...dataOf(), mean: [0] }
    const { validation } = smallNetwork({ data, validation: 10 }).indices
    for (let n = 0; n < data.train.count; n++) data.train.images[n * 25 + 7] = validation.includes(n) ? 255 : 0
    expect(method(smallNetwork({ data, validation: 10 }), { sparsity: 0.2 }).reconstructions[0].dead).toBe(1)
    expect(method(smallNetwork({ data }), { sparsity: 0.2 }).reconstructions[0].dead).toBe(0)
  })

  it('weights that were pruned before stay so', () => {
    const network = liveNetwork()
    prune(network, { sparsity: 0.5, scope: 'layerwise' })
    const before = network.prunable.map(({ name }) => [...network.mask(name)])
    const { sparsity } = method(network, { sparsity: 0.3 })
    expect(sparsity).toBe(0.5)
    expect(network.prunable.map(({ name }) => [...network.mask(name)])).toEqual(before)
    method(network, { sparsity: 0.75 })
    network.prunable.forEach(({ name }, layer) => {
      expect(network.mask(name).every((bit: number, i: number) => bit <= before[layer][i])).toBe(true)
    })
    expect(sum(kept(network))).toBe(keptCount(ALL, 0.75))
  })

  it('leaves biases and other layers alone, and clears the momentum of what went', async () => {
    const network = smallNetwork()
    await train(network, { epochs: 1, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.1 } })
    const before = stateOf(network)
    method(network, { sparsity: 0.5, layers: ['fc2.weight'] })
    const after = stateOf(network)
    const mask = [...network.mask('fc2.weight')]
    expect(sum(mask)).toBe(48)
    const momentum = before['momentum of fc2.weight'].map((v, i) => (mask[i] ? v : 0))
    const changed = {
      'fc2.weight': after['fc2.weight'],
      'mask of fc2.weight': mask,
      'momentum of fc2.weight': momentum,
    }
    expect(after).toEqual({ ...before, ...changed })
  })

  it('the images are drawn by seed from the training samples', () => {
    const run = (options: Partial<LayerwiseOptions>, validation = 0) => {
      const network = smallNetwork({ validation })
      method(network, { sparsity: 0.5, ...options })
      return stateOf(network)
    }
    expect(run({ samples: 20, seed: 1 })).toEqual(run({ samples: 20, seed: 1 }))
    expect(run({ samples: 20, seed: 1 })).not.toEqual(run({ samples: 20, seed: 2 }))
    expect(run({ samples: 1000 })).toEqual(run({ samples: 50 }))
    expect(run({}, 10)).not.toEqual(run({}))
  })

  it('tells its progress', () => {
    const seen: unknown[] = []
    method(smallNetwork(), { sparsity: 0.5, progress: (...values) => seen.push(values) })
    expect(seen).toEqual(NAMES.map((name, i) => [name, i + 1, 3]))
  })

  it.each([
    ['fc2.weight', Number.NaN, 'fc2.weight has weights that are not finite'],
    ['fc3.weight', Infinity, 'fc3.weight has weights that are not finite'],
    ['fc1.bias', Infinity, 'fc2.weight has inputs that are not finite'],
  ])('%s[3] = %d is refused and changes nothing', (name, value, message) => {
    const network = smallNetwork()
    network.values(name)[3] = value
    const before = stateOf(network)
    expect(() => method(network, { sparsity: 0.5 })).toThrow(UserError)
    expect(() => method(network, { sparsity: 0.5 })).toThrow(message)
    expect(stateOf(network)).toEqual(before)
  })

  it('options that mean nothing are refused', () => {
    const network = smallNetwork()
    const run = (options: Partial<LayerwiseOptions & { sparsity: number }>) => () =>
      method(network, { sparsity: 0.5, ...options })
    expect(run({ layers: ['fc2.wieght'] })).toThrow(
      'small has no prunable tensor fc2.wieght (did you mean fc2.weight?)',
    )
    expect(run({ layers: ['fc1.bias'] })).toThrow('no prunable tensor fc1.bias')
    expect(run({ samples: 0 })).toThrow('samples: expected a whole number of at least 1, found 0')
    expect(run({ damp: -1 })).toThrow('damp: expected')
    expect(run({ sparsity: 1.1 })).toThrow('expected a sparsity from 0 to 1')
  })
})

it('OBC: layers share the weights by need, in every scope exactly', () => {
  const [global, layerwise, erk] = (['global', 'layerwise', 'erk'] as const).map((scope) => {
    const network = liveNetwork()
    pruneObc(network, { sparsity: 0.7, scope })
    return kept(network)
  })
  expect([global, layerwise, erk].map(sum)).toEqual([128, 90 + 29 + 10, 128])
  expect(layerwise).toEqual([90, 29, 10])
  expect(global).not.toEqual(erk)
})

it('OBC reconstructs on what the layers got before; SparseGPT on what they get now, or before', () => {
  const errors = (sequential: boolean) =>
    pruneSparseGpt(smallNetwork(), { sparsity: 0.7, sequential }).reconstructions.map(({ error }) => error)
  const [now, before] = [errors(true), errors(false)]
  expect(now[0]).toBe(before[0])
  expect(now[1]).not.toBe(before[1])
  const alone = pruneSparseGpt(smallNetwork(), { sparsity: 0.7, layers: ['fc3.weight'] }).reconstructions[0].error
  expect(before[2]).toBe(alone)
})

it('SparseGPT: a pattern holds in every row of every layer', () => {
  const network = mixedNetwork()
  pruneSparseGpt(network, { pattern: { n: 1, m: 3 } })
  network.assertMasked()
  for (const { name, shape } of network.prunable) {
    const columns = name === 'last' ? 6 : shape.slice(1).reduce((a, b) => a * b)
    const values = network.values(name)
    // The MatMul's weight is [in, out].
    const at = (row: number, column: number) => values[name === 'last' ? column * 3 + row : row * columns + column]
    for (let row = 0; row < values.length / columns; row++)
      for (let i = 0; i < columns; i += 3) {
        const group = Array.from({ length: Math.min(3, columns - i) }, (_, k) => at(row, i + k))
        expect(group.filter((w) => w !== 0)).toHaveLength(1)
      }
  }
})

it('SparseGPT: a sparsity or a pattern', () => {
  const network = smallNetwork()
  const message = 'expected either a sparsity or a pattern'
  expect(() => pruneSparseGpt(network, {})).toThrow(message)
  expect(() => pruneSparseGpt(network, { sparsity: 0.5, pattern: { n: 2, m: 4 } })).toThrow(message)
  expect(() => pruneSparseGpt(network, { pattern: { n: 5, m: 4 } })).toThrow('1 <= n <= m, found 5:4')
})

describe("WoodFisher's MLPNet on MNIST", async () => {
  const path = fileURLToPath(new URL('../../../../shared/data/checkpoints/mlpnet-mnist.safetensors', import.meta.url))
  const accuracy = async (method: (network: Network) => unknown) => {
    const data = await loadDataset('mnist')
    const network = new Network({ machine: best, model: findModel('mlpnet'), data, batch: 100 })
    loadWeights(network, readSafetensors(path), path)
    method(network)
    network.assertMasked()
    expect(network.counts().reduce((total, layer) => total + layer.kept, 0)).toBe(3236)
    return network.evaluate('test').accuracy
  }

  it.runIf(isFull)(
    'at 90 % OBC is above 93 %, magnitude pruning at 90.30 %',
    { timeout: 120_000 },
    async ({ skip }) => {
      skip(!existsSync(path), `the checkpoint is not here: ${path}`)
      expect(await accuracy((network) => pruneObc(network, { sparsity: 0.9 }))).toBeGreaterThan(0.93)
      expect(await accuracy((network) => prune(network, { sparsity: 0.9 }))).toBeCloseTo(0.903, 3)
    },
  )
})
