/**
 * @file Counts from the graph of a network what an inference costs in arithmetic alone, and how many
 * parameters there are.
 */
import { sizeOf } from '../graph/tensor.ts'
import { graphOf, type Model } from '../models/model.ts'
import type { LayerCount } from '../sparsity/mask.ts'

export interface Work {
  /** The number of trained scalars: weights, biases, scales and shifts. */
  parameters: number
  /**
   * The operations of one sample in all convolutions and linear layers: two for each weight and each place
   * where it is used. Zero borders count as places.
   */
  denseFlops: number
  /** The operations of nonzero weights alone. */
  flops: number
}

/**
 * Counts the work, where `layers` says what is left of prunable layers; layers not among them count as dense.
 */
export function workOf(model: Model, layers: readonly LayerCount[]): Work {
  const graph = graphOf(model)
  const kept = new Map(layers.map((layer) => [layer.name, layer.kept]))
  let [denseFlops, flops] = [0, 0]
  for (const { operator, inputs, outputs } of graph.nodes) {
    const weight = operator.weight === undefined ? undefined : inputs[operator.weight]
    if (!weight) continue
    // Each weight is multiplied at that many places.
    const [plane] = operator.name === 'ConvTranspose' ? inputs : outputs
    const places = operator.name === 'Conv' || operator.name === 'ConvTranspose' ? sizeOf(plane.shape.slice(2)) : 1
    const size = sizeOf(weight.shape)
    denseFlops += 2 * places * size
    flops += 2 * places * (kept.get(weight.name) ?? size)
  }
  return {
    parameters: graph.withRole('parameter').reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    denseFlops,
    flops,
  }
}
