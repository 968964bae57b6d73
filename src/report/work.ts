/**
 * @file What an inference costs by arithmetic alone, and how many parameters a network has: counted from its
 * graph.
 */
import { sizeOf } from '../graph/tensor.ts'
import { graphOf, type Model } from '../models/model.ts'
import type { LayerCount } from '../sparsity/mask.ts'

export interface Work {
  /** All trained scalars: weights, biases, scales and shifts. */
  parameters: number
  /**
   * Of one sample through all convolutions and linear layers, two for each weight and place it is used at;
   * zero borders count as places.
   */
  denseFlops: number
  /** The same of nonzero weights only. */
  flops: number
}

/** `layers`: what is left of the prunable ones; layers that are not among them count as dense. */
export function workOf(model: Model, layers: readonly LayerCount[]): Work {
  const graph = graphOf(model)
  const kept = new Map(layers.map((layer) => [layer.name, layer.kept]))
  let [denseFlops, flops] = [0, 0]
  for (const { operator, inputs, outputs } of graph.nodes) {
    const weight = operator.weight === undefined ? undefined : inputs[operator.weight]
    if (!weight) continue
    // Each output channel is computed at as many places.
    const places = operator.name === 'Conv' ? sizeOf(outputs[0].shape.slice(2)) : 1
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
