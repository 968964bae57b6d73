/**
 * @file What the inputs of a model stand for in a run: its one batch of images, tensors of the same names, or parts of
 * rows that hold all inputs of a sample one behind the other.
 */
import type { Graph } from '../../graph/graph.ts'
import { reshape, slice } from '../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { type ImageInput, toInput } from './input.ts'
import type { ShapedInput } from './model-inputs.ts'
import type { Fed } from './read-network.ts'

/** Images [N, C, H, W] as the model takes them. */
export const feedImages = (graph: Graph, images: Tensor, input: ImageInput): Fed => ({
  batch: images.shape[0],
  values: new Map([[input.name, toInput(images, input, graph)]]),
})

/** Inputs of the graph that have the names of those of the model. */
export const feedByName = (graph: Graph, inputs: readonly ShapedInput[], batch: number): Fed => ({
  batch,
  values: new Map(inputs.map(({ name, shape, batched }) => [name, graph.input(name, shape, { batched })])),
})

/** Rows [N, 1, 1, F] cut into the inputs of `batch` samples; one sample where an input does not run over samples. */
export function feedRows(graph: Graph, rows: Tensor, inputs: readonly ShapedInput[], batch: number): Fed {
  let start = 0
  const values = inputs.map(({ name, shape, batched }) => {
    const size = sizeOf(shape) / batch
    const part = size === rows.shape[3] ? rows : slice(graph, rows, [0, 0, 0, start], [batch, 1, 1, size])
    start += size
    return [name, reshape(graph, part, shape, batched)] as const
  })
  return { batch, values: new Map(values) }
}
