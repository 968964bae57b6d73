// What contenders that infer are given: a network, weights in which nothing is zero or one but what is
// pruned, and a batch of images.

import { synthetic } from '../dist/data.js'
import { storeFloats } from '../dist/formats/safetensors.js'
import { Graph } from '../dist/graph.js'
import { findModel, random } from '../dist/index.js'
import { beginning } from '../dist/models/model.js'

/**
 * `graph` maps `images` [batch, C, H, W] to logits; `weights` holds its parameters and buffers; `data.test`
 * are the images as bytes, `images` the same normalized; `file` holds the weights as a safetensors file
 * would. `sparsity`: this share of the weights whose names match `pruned` is zero, at random, the same for
 * every `outputs` outputs and `inputs` inputs in a row.
 * @param {{ sparsity: number, pruned: RegExp, outputs?: number, inputs?: number }} [sparse]
 */
export function inferenceCase(modelName, batch, { sparsity = 0, pruned = /$^/, outputs = 1, inputs = 1 } = {}) {
  const model = findModel(modelName)
  const graph = new Graph()
  graph.output('logits', model.build(graph, graph.input('images', [batch, ...model.image]), false))

  /** Weights in which the places of zeros are drawn for groups of outputs, of which there are `all`. */
  const withZeros = (values, [all, channels], draw) => {
    const inner = values.length / all
    const taps = inner / channels
    const inGroup = (k) => Math.floor(k / taps / inputs) * taps + (k % taps)
    const kept = Uint8Array.from({ length: Math.ceil(all / outputs) * inner }, () => Number(draw.uniform() >= sparsity))
    return values.map((x, i) => (kept[Math.floor(i / inner / outputs) * inner + inGroup(i % inner)] ? x : 0))
  }
  const { first, data, images } = drawnFor(model, batch)
  const weights = new Map()
  for (const tensor of [...graph.withRole('parameter'), ...graph.withRole('buffer')]) {
    const draw = random(0, 'bench zeros', tensor.name)
    const values = first(tensor)
    // Biases, and scales and statistics of normalizations: somewhere near their first values.
    const near = (x) => x + (draw.uniform() - 0.5) / 2
    if (tensor.shape.length === 1) weights.set(tensor.name, values.map(near))
    else weights.set(tensor.name, pruned.test(tensor.name) ? withZeros(values, tensor.shape, draw) : values)
  }
  const tensors = new Map(
    [...weights].map(([name, values]) => [name, storeFloats(values, graph.tensors.get(name).shape)]),
  )
  return { model, batch, sparsity, graph, weights, file: { tensors, metadata: { model: modelName } }, data, images }
}

/** What was drawn last: cases of one network share it, since images of a thousand classes take seconds. */
let last

/** First values of tensors, and images. */
function drawnFor(model, batch) {
  if (last?.name === model.name && last.batch === batch) return last
  const begin = beginning(model, undefined, 0, 'bench')
  const known = new Map()
  const first = (tensor) => {
    if (!known.has(tensor.name)) known.set(tensor.name, new Float32Array(begin(tensor)))
    return known.get(tensor.name)
  }
  const data = synthetic({ train: 1, test: batch, image: model.image, classes: model.classes })
  const [channels, height, width] = model.image
  const images = Float32Array.from(data.test.images, (byte, i) => {
    const channel = Math.floor(i / (height * width)) % channels
    return (byte / 255 - data.mean[channel]) / data.std[channel]
  })
  last = { name: model.name, batch, first, data, images }
  return last
}
