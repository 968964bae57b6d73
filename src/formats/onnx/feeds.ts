/**
 * @file What the inputs of a model stand for in a run: its one batch of images, tensors of the same names, or
 * parts of rows that hold all inputs of a sample one behind the other.
 */
import type { Graph } from '../../graph/graph.ts'
import { reshape, slice, transpose } from '../../graph/operators/shape.ts'
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
export function feedByName(graph: Graph, inputs: readonly ShapedInput[], batch: number): Fed {
  const made = inputs.map(({ name, shape, samples }) => {
    return [name, graph.input(name, shape, { batched: samples === 0 })] as const
  })
  return { batch, values: new Map(made) }
}

/**
 * Rows [N, 1, 1, F] cut into the inputs of `batch` samples; one sample where an input does not run over them.
 */
export function feedRows(graph: Graph, rows: Tensor, inputs: readonly ShapedInput[], batch: number): Fed {
  let start = 0
  const values = inputs.map(({ name, shape, samples = 0 }) => {
    const size = sizeOf(shape) / batch
    const part = size === rows.shape[3] ? rows : slice(graph, rows, [0, 0, 0, start], [batch, 1, 1, size])
    start += size
    if (samples === 0 || batch === 1) return [name, reshape(graph, part, shape, shape[0] === batch)] as const
    const first = [batch, ...shape.toSpliced(samples, 1)]
    const apart = reshape(graph, reshape(graph, part, part.shape, false), first, false)
    return [name, transpose(graph, apart, movedTo(samples, shape.length))] as const
  })
  return { batch, values: new Map(values) }
}

/** The order of `rank` axes in which the first one has moved to a place. */
const movedTo = (place: number, rank: number): number[] =>
  Array.from({ length: rank - 1 }, (_, i) => i + 1).toSpliced(place, 0, 0)
