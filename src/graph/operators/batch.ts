/**
 * @file Batches read from a data set that lies beside the network: images as bytes, labels as floats, both
 * addressed by an index per sample. Reading a batch is then part of the step.
 */
import type { Graph } from '../graph.ts'
import { check, type Operator } from '../operator.ts'
import { describe, type Shape, type Tensor } from '../tensor.ts'

/**
 * x[n, c, ...] = scale[c] image[index[n], c, ...] + shift[c]. Inputs: images (bytes, [count, C, H, W]), index [N],
 * scale [C], shift [C]. Output [N, C, H, W].
 */
export const LoadImages: Operator = {
  name: 'LoadImages',
  infer: ([images, index, scale, shift]) => {
    const channels = images.shape[1]
    const fits = images.bytes === true && scale.shape[0] === channels && shift.shape[0] === channels
    check(fits, 'LoadImages', () => `expected bytes and ${channels} scales and shifts, found ${describe(images)}`)
    return [{ shape: [index.shape[0], ...images.shape.slice(1)], batched: true }]
  },
}

/** y[n] = labels[index[n]]. Inputs: labels [count], index [N]. */
export const LoadLabels: Operator = {
  name: 'LoadLabels',
  infer: ([_labels, index]) => [{ shape: index.shape, batched: true }],
}

export interface BatchSource {
  /** Prefix of the state tensors that hold the data set: `<name>.images` and `<name>.labels`. */
  name: string
  /** Number of images. */
  count: number
  /** [C, H, W]. */
  image: Shape
  /** Per channel, on pixels scaled to 0..1. */
  mean: readonly number[]
  std: readonly number[]
}

/**
 * Appends a batch of `size` samples to the graph: an input `index` [size] chooses them. Pixels p become
 * (p / 255 - mean) / std.
 */
export function loadBatch(graph: Graph, source: BatchSource, size: number): { images: Tensor; labels: Tensor } {
  const { name, count, image, mean, std } = source
  const index = graph.input('index', [size])
  const bytes = graph.state(`${name}.images`, [count, ...image], { bytes: true })
  const scale = graph.constant(
    std.map((s) => 1 / (255 * s)),
    [std.length],
  )
  const shift = graph.constant(
    mean.map((m, c) => -m / std[c]),
    [std.length],
  )
  const labels = graph.apply(LoadLabels, [graph.state(`${name}.labels`, [count]), index])[0]
  return { images: graph.apply(LoadImages, [bytes, index, scale, shift])[0], labels }
}
