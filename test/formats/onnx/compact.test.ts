/**
 * @file Networks pruned by whole channels, written without them: small dense networks that compute the same.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type StoredNetwork, writeNetwork } from '../../../src/formats/network-file.ts'
import { inferenceGraph } from '../../../src/formats/onnx/export.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { storeFloats, toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { relu, relu6 } from '../../../src/graph/operators/elementwise.ts'
import { linear } from '../../../src/graph/operators/linear.ts'
import { maxPool } from '../../../src/graph/operators/pooling.ts'
import { flatten } from '../../../src/graph/operators/shape.ts'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { findModel } from '../../../src/models/index.ts'
import { classify, normalized } from '../../../src/models/layers.ts'
import { type Model, modelOf } from '../../../src/models/model.ts'
import { visionTransformer } from '../../../src/models/vision-transformer.ts'
import { findGranularity } from '../../../src/sparsity/granularity/index.ts'
import type { MaskedLayer } from '../../../src/sparsity/mask.ts'
import { scopes } from '../../../src/sparsity/scope.ts'
import { random } from '../../../src/util/random.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { rows } from '../../support/breadth.ts'
import { runModel } from '../../support/onnx.ts'
import { farthest, randomImages } from './images.ts'

const small = { summary: '', image: [3, 16, 16] as const, classes: 5 }

/** VGG's kind: biases, normalization, pooling, a flattened map. */
const narrowVgg: Model = {
  ...small,
  name: 'narrow-vgg',
  build(graph, images, training) {
    let x = images
    for (const [i, width] of [12, 16, 24].entries()) {
      const options = { pad: 1, bias: true }
      x = relu(graph, normalized(graph, x, [`conv${i}`, `bn${i}`], width, 3, training, options))
      x = maxPool(graph, x, { kernel: [2, 2] })
    }
    return linear(graph, relu(graph, linear(graph, flatten(graph, x), 'fc', 20)), 'linear', 5)
  },
}

/** MobileNet's kind: depthwise-separable convolutions, ReLU6. */
const narrowMobile: Model = {
  ...small,
  name: 'narrow-mobile',
  build(graph, images, training) {
    let x = relu6(graph, normalized(graph, images, ['stem', 'stem_bn'], 12, 3, training, { pad: 1, stride: 2 }))
    for (const [i, width] of [16, 24, 24].entries()) {
      const deep = { pad: 1, group: x.shape[1] }
      x = relu6(graph, normalized(graph, x, [`deep${i}`, `deep${i}_bn`], x.shape[1], 3, training, deep))
      x = relu6(graph, normalized(graph, x, [`point${i}`, `point${i}_bn`], width, 1, training))
    }
    return classify(graph, x, 'fc', 5)
  },
}

type Pruned = StoredNetwork & { model: Model; kept: number }

/**
 * Random weights, of which some are pruned. Biases are all the same, so that what a zero filter leaves is no
 * 0.
 */
function prunedNetwork(model: Model, prune: (layers: MaskedLayer[]) => void): Pruned {
  const graph = inferenceGraph(model)
  const values = new Map(
    [...graph.withRole('parameter'), ...graph.withRole('buffer')].map(({ name, shape, initial }) => {
      const draw = random(2, name)
      const drawn = () => {
        if (shape.length > 1) return draw.normal() / Math.sqrt(typeof initial === 'object' ? initial.in : 1)
        return initial === 1 ? 0.5 + draw.uniform() : 0.25
      }
      return [name, Float32Array.from({ length: sizeOf(shape) }, drawn)]
    }),
  )
  const layers = prunableParameters(graph).map(({ name, shape }): MaskedLayer => {
    const scores = Float64Array.from(values.get(name)!, Math.abs)
    return { name, shape, scores, mask: new Float64Array(scores.length).fill(1) }
  })
  prune(layers)
  let kept = 0
  for (const { name, mask } of layers) {
    const list = values.get(name)!
    mask.forEach((bit, i) => {
      if (bit === 0) list[i] = 0
      kept += bit
    })
  }
  const shapes = new Map([...graph.tensors.values()].map(({ name, shape }) => [name, shape]))
  const tensors = new Map([...values].map(([name, list]) => [name, storeFloats(list, shapes.get(name)!)]))
  return { weights: { tensors, metadata: {} }, model, kept }
}

/** Whole channels: their filters, and the weights that read them. */
const byChannels = (model: Model) =>
  prunedNetwork(model, (layers) => {
    const select = () => {
      throw new Error('channels are not selected weight by weight')
    }
    findGranularity('channel', model)!.write(layers, { scope: scopes.layerwise, sparsity: 0.7, select })
  })

/** A third of the filters of every layer but the last, others in each layer, and nothing that reads them. */
const byFilters = (model: Model) =>
  prunedNetwork(model, (layers) => {
    for (const [i, { shape, mask }] of layers.slice(0, -1).entries()) {
      const size = mask.length / shape[0]
      for (let o = i % 3; o < shape[0]; o += 3) mask.fill(0, o * size, (o + 1) * size)
    }
  })

/** The files without and with compaction, and what both compute. */
async function written(network: Pruned, options: { foldBatchNorm?: boolean } = {}) {
  const folder = temporaryFolder()
  const [whole, small] = ['whole.onnx', 'small.onnx'].map((name) => join(folder, name))
  await writeNetwork(whole, network)
  const { onnx } = await writeNetwork(small, network, { compact: true, ...options })
  const { images, shape } = randomImages(network.model, 3)
  const run = async (path: string) =>
    (await runModel(readFileSync(path), new Map([['images', { shape, values: images }]]))).get('logits')!
  const [{ difference }] = onnx!.agreement!.outputs
  return { compact: onnx!.compact!, difference, small, whole, apart: farthest(await run(small), await run(whole)) }
}

const builtIn = rows(['resnet20', 'resnet20-a', 'lenet-5'], (name) => name !== 'resnet20-a')
const networks = [...builtIn.map((name) => findModel(name)), narrowVgg, narrowMobile]

/** Why constants stay in each. */
const reasons: Record<string, string[]> = {
  resnet20: ['padded', 'tied'],
  'resnet20-a': ['padded', 'tied'],
  'lenet-5': [],
  'narrow-vgg': ['padded'],
  // A constant varies behind a depthwise convolution with padding.
  'narrow-mobile': ['tied'],
}

describe.each(networks)('$name', (model) => {
  it('pruned by channels becomes a dense network with as many weights as were kept', async () => {
    const network = byChannels(model)
    const { compact, difference, small, apart } = await written(network)
    expect(apart).toBeLessThan(1e-5)
    expect(difference).toBeLessThan(1e-5)
    expect(compact.layers.filter(({ stay }) => Object.keys(stay).length > 0)).toEqual([])
    const stored = readOnnx(readFileSync(small), 'small.onnx')
    const weights = prunableParameters(inferenceGraph(model)).map(({ name }) => toFloats(stored.tensors.get(name)!))
    expect(weights.reduce((sum, { length }) => sum + length, 0)).toBe(network.kept)
    expect(compact.multiplications.after).toBeLessThan(0.45 * compact.multiplications.before)
  })

  it('without some filters loses the constants that biases take up and keeps those that padding would change, folded or not', async () => {
    const network = byFilters(model)
    for (const options of [{}, { foldBatchNorm: true }]) {
      const { compact, difference, apart } = await written(network, options)
      expect([difference < 1e-5, apart < 1e-5]).toEqual([true, true])
      const [, ...stay] = [...new Set(['', ...compact.layers.flatMap((layer) => Object.keys(layer.stay))])].sort()
      expect([model.name, stay]).toEqual([model.name, reasons[model.name]])
      expect(compact.parameters.after).toBeLessThanOrEqual(compact.parameters.before)
    }
  })
})

it('a transformer without some heads and hidden units is a smaller one', async () => {
  const sizes = { side: 8, patch: 4, heads: 4, head: 3, depth: 2, ratio: 2 }
  const model = modelOf(visionTransformer('narrow-vit', 'for tests', sizes), { classes: 5 })
  const network = prunedNetwork(model, (layers) => {
    const select = () => {
      throw new Error('channels are not selected weight by weight')
    }
    findGranularity('channel', model)!.write(layers, { scope: scopes.layerwise, sparsity: 0.4, select })
  })
  const { compact, difference, apart } = await written(network)
  expect([difference < 1e-5, apart < 1e-5]).toEqual([true, true])
  const sizesAfter = Object.fromEntries(
    compact.layers.map(({ name, inputs, outputs }) => [name, [inputs.after, outputs.after]]),
  )
  const kept = compact.layers.map(
    ({ name, inputs, outputs }) => inputs.after * outputs.after * (name.startsWith('patch') ? 16 : 1),
  )
  expect(kept.reduce((a, b) => a + b)).toBe(network.kept)
  for (const block of ['blocks.0', 'blocks.1']) {
    const [, rows] = sizesAfter[`${block}.attn.qkv.weight`]
    // Whole heads: of queries, keys and values alike, and of what the projection reads.
    expect([rows % 9, rows < 36, sizesAfter[`${block}.attn.proj.weight`]]).toEqual([0, true, [rows / 3, 12]])
  }
}, 60_000)

it('an ONNX model that was read is written anew, and only ONNX models are', async () => {
  const network = byChannels(narrowVgg)
  const { small, whole } = await written(network)
  const read = readOnnx(readFileSync(whole), 'whole.onnx')
  if (read.onnx.network instanceof Error) throw read.onnx.network
  const again = { weights: read, model: read.onnx.network.model, onnx: read.onnx }
  const path = join(temporaryFolder(), 'again.onnx')
  const { onnx } = await writeNetwork(path, again, { compact: true })
  expect(onnx!.compact!.layers.map(({ outputs }) => outputs.after)).toEqual(
    readOnnx(readFileSync(small), 'small.onnx').onnx.file.graph.node.flatMap(({ opType, input }) =>
      ['Conv', 'Gemm'].includes(opType) ? [readOnnx(readFileSync(small), '').tensors.get(input[1])!.shape[0]] : [],
    ),
  )
  await expect(writeNetwork(path.replace('.onnx', '.h5'), again, { compact: true })).rejects.toThrow(/compact is for/)
})
