/**
 * @file Places of a layer whose input never varies, such as the black border of images of digits: their
 * gradient is that of a bias, or zero, so that a weight which grows there at random is lost.
 */
import type { LabelledSet } from '../../data/dataset.ts'
import { weightOf } from '../../graph/channels.ts'
import type { Graph } from '../../graph/graph.ts'
import { transposes } from '../../graph/operators/linear.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { graphOf, type Model } from '../../models/model.ts'

/** Ascending, by the names of the linear layers [out, pixels] that see the images themselves. */
export function idlePlaces(
  model: Model,
  { train, image }: Pick<LabelledSet, 'train' | 'image'>,
): Map<string, Int32Array> {
  const layers = firstLayers(graphOf(model)).filter(({ shape }) => shape[1] === sizeOf(image))
  if (layers.length === 0) return new Map()
  const constant = constantPixels(train.images, sizeOf(image))
  return new Map(
    layers.map(({ name, shape: [rows, columns] }) => [
      name,
      Int32Array.from({ length: rows * constant.length }, (_, i) => {
        const row = Math.floor(i / constant.length)
        return row * columns + constant[i - row * constant.length]
      }),
    ]),
  )
}

/** The weights of linear layers whose input is that of the network, flattened or not. */
function firstLayers(graph: Graph): Tensor[] {
  const images = new Set<Tensor>()
  const found: Tensor[] = []
  for (const node of graph.nodes) {
    const [x] = node.inputs
    if (x.role !== 'input' && !images.has(x)) continue
    const weight = weightOf(node)
    if (node.operator.name === 'Flatten' || node.operator.name === 'Reshape') images.add(node.outputs[0])
    else if (node.operator.name === 'Gemm' && weight && transposes(node.attributes).transB) found.push(weight)
  }
  return found
}

/** Pixels, ascending, that are the same in all images. */
function constantPixels(images: ArrayLike<number>, pixels: number): number[] {
  const varies = new Uint8Array(pixels)
  for (let at = pixels; at < images.length; at += pixels)
    for (let i = 0; i < pixels; i++) if (images[at + i] !== images[i]) varies[i] = 1
  return Array.from(varies.keys()).filter((i) => varies[i] === 0)
}
