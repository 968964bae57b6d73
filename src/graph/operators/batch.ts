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
  /** Crops from images padded by `pad` on all sides, and flips; drawn by the caller. */
  augment?: { pad: number; reflect: boolean }
}

/**
 * Appends a batch of `size` samples to the graph: an input `index` [size] chooses them. Pixels p become
 * (p / 255 - mean) / std. With `augment` there is an input `change` [size, 3] too (see LoadAugmented).
 */
export function loadBatch(graph: Graph, source: BatchSource, size: number): { images: Tensor; labels: Tensor } {
  const { name, count, image, mean, std, augment } = source
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
  if (!augment) return { images: graph.apply(LoadImages, [bytes, index, scale, shift])[0], labels }
  const change = graph.input('change', [size, 3])
  const attributes = { pad: augment.pad, reflect: augment.reflect ? 1 : 0 }
  return { images: graph.apply(LoadAugmented, [bytes, index, change, scale, shift], attributes)[0], labels }
}
