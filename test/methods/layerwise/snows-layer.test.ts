/**
 * @file The K-step reconstruction loss of a layer, in float64: its value against activations that another
 * graph computes, its gradient and its Hessian products against finite differences.
 */
import { describe, expect, it } from 'vitest'
import { compile } from '../../../src/engine/compile.ts'
import type { Floats } from '../../../src/engine/machine.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { Graph } from '../../../src/graph/graph.ts'
import { convLayer } from '../../../src/graph/operators/conv.ts'
import { add, relu, sigmoid } from '../../../src/graph/operators/elementwise.ts'
import { linear } from '../../../src/graph/operators/linear.ts'
import { batchNorm } from '../../../src/graph/operators/norm.ts'
import { globalAveragePool, maxPool } from '../../../src/graph/operators/pooling.ts'
import { flatten } from '../../../src/graph/operators/shape.ts'
import type { Tensor } from '../../../src/graph/tensor.ts'
import { LayerReconstruction, type PrunedNetwork } from '../../../src/methods/layerwise/snows-layer.ts'
import type { Model } from '../../../src/models/model.ts'
import { Network } from '../../../src/train/network.ts'
import { random } from '../../../src/util/random.ts'
import { smallImages } from '../../support/small-conv.ts'

const reference = openReference()
const COUNT = 37 // Batches of 32 and 5.

/** A residual block, a smooth nonlinearity, pooling, a classifier; `notes` are what is compared, in order. */
function build(graph: Graph, images: Tensor, training: boolean, notes: Tensor[] = []): Tensor {
  const note = (tensor: Tensor) => {
    notes.push(tensor)
    return tensor
  }
  const x = note(relu(graph, note(convLayer(graph, images, 'conv1', 3, 3, { pad: 1 }))))
  const y = batchNorm(graph, note(convLayer(graph, x, 'conv2', 3, 3, { pad: 1 })), 'bn', training)
  const z = note(sigmoid(graph, add(graph, y, x)))
  const pooled = maxPool(graph, note(convLayer(graph, z, 'conv3', 4, 3, {})), { kernel: [2, 2] })
  return note(linear(graph, flatten(graph, globalAveragePool(graph, pooled)), 'fc', 3))
}
const model: Model = { name: 'block', summary: 'for tests', image: [1, 6, 6], classes: 3, build }

/** Where the activations of a layer begin among the notes. */
const BEGIN: Record<string, number> = { 'conv1.weight': 0, 'conv2.weight': 2, 'conv3.weight': 4, 'fc.weight': 5 }

/** A dense network, and a pruned one that differs from it in every tensor. */
function networks(): PrunedNetwork {
  const data = smallImages({ train: COUNT })
  const network = new Network({
    machine: reference,
    model: { ...model, classes: 4 },
    data: { ...data, classes: 4 },
    batch: 8,
  })
  const draw = random(2, 'values')
  const valuesOf = (scale: number) =>
    new Map<string, Floats>(
      network.stored.map(({ name }) => [
        name,
        network.values(name).map((w: number) => w + scale * (name.endsWith('var') ? draw.uniform() : draw.normal())),
      ]),
    )
  const [dense, pruned] = [valuesOf(0.1), valuesOf(0.3)]
  return {
    machine: reference,
    model: network.model,
    data: network.data,
    stored: network.stored,
    values: (name) => pruned.get(name)!,
    denseValues: (name) => dense.get(name)!,
  }
}

/** The activations that are noted, for all images at once. */
function activations({ model, data, stored }: PrunedNetwork, values: (name: string) => Floats): Floats[] {
  const graph = new Graph()
  const { image, mean, std, train } = data as Network['data']
  const notes: Tensor[] = []
  build(graph, graph.input('x', [COUNT, ...image]), false, notes)
  for (const [i, tensor] of notes.entries()) graph.output(`${i}`, tensor)
  const executable = compile(reference, { [model.name]: graph })
  executable.write(
    model.name,
    'x',
    Float64Array.from(train.images, (byte) => (byte / 255 - mean[0]) / std[0]),
  )
  for (const { name } of stored) executable.view(name).set(values(name))
  executable.run(model.name)
  return notes.map((_, i) => executable.read(model.name, `${i}`))
}

const STEP = 1e-5
const layers = Object.keys(BEGIN).flatMap((name) => [1, 3, 20].map((horizon) => [name, horizon] as const))

describe.each(layers)('%s, %d steps', (name, horizon) => {
  const network = networks()
  const images = (network.data as Network['data']).train.images
  const all = network.values(name)
  // Two of three weights are kept.
  const kept = Uint32Array.from(all.keys()).filter((place) => place % 3 !== 1)
  const layer = new LayerReconstruction(network, name, kept, { horizon, images, curvature: COUNT })
  const at = layer.kept(all)
  const draw = random(7, name)
  const direction = at.map(() => draw.normal())
  const along = (t: number) => at.map((w, i) => w + t * direction[i])
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i], 0)

  it('the loss is the sum over steps of mean squared differences', () => {
    const masked = all.map((w, place) => (place % 3 === 1 ? 0 : w))
    const [y, z] = [
      activations(network, network.denseValues),
      activations(network, (other) => (other === name ? masked : network.values(other))),
    ].map((found) => found.slice(BEGIN[name], BEGIN[name] + horizon))
    const expected = y.map(
      (values, k) => Array.from(values, (v, i) => (v - z[k][i]) ** 2).reduce((a, b) => a + b) / values.length,
    )
    expect(layer.steps).toBe(y.length)
    expect(layer.evaluate(at).loss).toBeCloseTo(
      expected.reduce((a, b) => a + b),
      10,
    )
  })

  it('the gradient is that of differences', () => {
    const { gradient } = layer.evaluate(at)
    for (const i of [0, 3, kept.length - 1]) {
      const moved = (t: number) => layer.evaluate(at.map((w, j) => (i === j ? w + t : w))).loss
      expect(gradient[i] / ((moved(STEP) - moved(-STEP)) / (2 * STEP))).toBeCloseTo(1, 4)
    }
    const slope = (layer.evaluate(along(STEP)).loss - layer.evaluate(along(-STEP)).loss) / (2 * STEP)
    expect(dot(gradient, direction) / slope).toBeCloseTo(1, 4)
  })

  it('the product with the Hessian is that of differences of gradients', () => {
    const product = layer.hessian(at, 0)(direction)
    const [ahead, behind] = [STEP, -STEP].map((t) => layer.evaluate(along(t)).gradient)
    const expected = ahead.map((g, i) => (g - behind[i]) / (2 * STEP))
    const size = Math.sqrt(dot(expected, expected))
    expect(Math.sqrt(dot(product, product))).toBeGreaterThan(0)
    const error = product.map((p, i) => p - expected[i])
    expect(Math.sqrt(dot(error, error)) / size).toBeLessThan(1e-4)
  })
})

it('products take other images at every step, and all of them after a round', () => {
  const network = networks()
  const { images } = (network.data as Network['data']).train
  const kept = Uint32Array.from(network.values('conv2.weight').keys())
  const of = (curvature: number) =>
    new LayerReconstruction(network, 'conv2.weight', kept, { horizon: 3, images, curvature })
  const [some, every] = [of(32), of(COUNT)]
  const at = every.kept(network.values('conv2.weight'))
  const v = at.map((_, i) => Math.sin(i))
  const [first, second, third, whole] = [
    some.hessian(at, 0),
    some.hessian(at, 1),
    some.hessian(at, 2),
    every.hessian(at, 0),
  ].map((times) => times(v))
  expect(third).toEqual(first)
  expect(first).not.toEqual(second)
  whole.forEach((p, i) => void expect(p).toBeCloseTo((32 * first[i] + 5 * second[i]) / COUNT, 12))
})

it('more images than what lies before the layer may take are refused in a sentence', () => {
  const network = networks()
  const { images } = (network.data as Network['data']).train
  // Before conv2 lie the 3 x 6 x 6 outputs of the ReLU, of both networks.
  const make = (memory: number) => () =>
    new LayerReconstruction(network, 'conv2.weight', Uint32Array.of(0), { horizon: 1, images, curvature: 1, memory })
  expect(make(COUNT * 2 * 108)).not.toThrow()
  expect(make(COUNT * 2 * 108 - 1)).toThrow(
    'samples: what lies before conv2.weight takes 864 bytes for an image, expected at most 36 images, found 37',
  )
})
