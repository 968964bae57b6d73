/**
 * @file Batches read from a data set that lies beside the network: images as bytes, labels as floats, both
 * addressed by an index per sample. Reading a batch is then part of the step.
 */
import type { Graph } from '../graph.ts'
import { check, type Operator } from '../operator.ts'
import { describe, type Shape, type Tensor } from '../tensor.ts'

/**
 * x[n, c, ...] = scale[c] image[index[n], c, ...] + shift[c]. Inputs: images (bytes, [count, C, H, W]), index
 * [N], scale [C], shift [C]. Output [N, C, H, W].
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

/**
 * As LoadImages, cropped from the padded image and flipped. A third input `change` [N, 3] holds, per sample,
 * the crop's first row and column (0 to 2 `pad`) and whether columns run backwards (0 or 1). Attributes
 * `pad`, and `reflect`: 1 for a reflection, 0 for black.
 */
export const LoadAugmented: Operator = {
  name: 'LoadAugmented',
  infer: ([images, index, change, scale, shift]) => {
    const channels = images.shape[1]
    const fits = images.bytes === true && scale.shape[0] === channels && shift.shape[0] === channels
    check(fits, 'LoadAugmented', () => `expected bytes and ${channels} scales and shifts, found ${describe(images)}`)
    check(change.shape[0] === index.shape[0] && change.shape[1] === 3, 'LoadAugmented', () => {
      return `expected a change of 3 numbers per sample, found ${describe(change)}`
    })
    return [{ shape: [index.shape[0], ...images.shape.slice(1)], batched: true }]
  },
}

/**
 * y[n, ...] = rows[index[n], ...]. Inputs: rows (floats, [count, ...rest]), index [N]. Output [N, ...rest]:
 * labels, where the rest is empty; samples that are no images; outputs to compare with.
 */
export const LoadFloats: Operator = {
  name: 'LoadFloats',
  infer: ([rows, index]) => {
    const fits = rows.bytes !== true && rows.shape.length >= 1 && index.shape.length === 1
    check(fits, 'LoadFloats', () => `expected rows of floats, found ${describe(rows)} and ${describe(index)}`)
    return [{ shape: [index.shape[0], ...rows.shape.slice(1)], batched: true }]
  },
}

export const loadFloats = (graph: Graph, rows: Tensor, index: Tensor): Tensor =>
  graph.apply(LoadFloats, [rows, index])[0]

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
  /** Whether the samples are floats, which are taken as they are. Default: bytes. */
  floats?: boolean
  /** Crops from images padded by `pad` on all sides, and flips; drawn by the caller. */
  augment?: { pad: number; reflect: boolean }
}

/**
 * Appends a batch of `size` samples to the graph: an input `index` [size] chooses them. Pixels p become
 * (p / 255 - mean) / std. With `augment` there is an input `change` [size, 3] too (see LoadAugmented).
 */
export function loadSamples(graph: Graph, source: BatchSource, size: number): { images: Tensor; index: Tensor } {
  const { name, count, image, mean, std, floats = false, augment } = source
  const index = graph.input('index', [size])
  const stored = graph.state(`${name}.images`, [count, ...image], { bytes: !floats })
  if (floats) return { images: loadFloats(graph, stored, index), index }
  const scale = graph.constant(
    std.map((s) => 1 / (255 * s)),
    [std.length],
  )
  const shift = graph.constant(
    mean.map((m, c) => -m / std[c]),
    [std.length],
  )
  if (!augment) return { images: graph.apply(LoadImages, [stored, index, scale, shift])[0], index }
  const change = graph.input('change', [size, 3])
  const attributes = { pad: augment.pad, reflect: augment.reflect ? 1 : 0 }
  return { images: graph.apply(LoadAugmented, [stored, index, change, scale, shift], attributes)[0], index }
}

/** The labels of the samples of a batch, [N]. */
export const loadLabels = (graph: Graph, { name, count }: BatchSource, index: Tensor): Tensor =>
  loadFloats(graph, graph.state(`${name}.labels`, [count]), index)

/** {@link loadSamples} with their labels. */
export function loadBatch(graph: Graph, source: BatchSource, size: number): { images: Tensor; labels: Tensor } {
  const { images, index } = loadSamples(graph, source, size)
  return { images, labels: loadLabels(graph, source, index) }
}
