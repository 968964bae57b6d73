/** @file How many multiplications the layers of a network take. */
import type { Graph } from './graph.ts'
import { sizeOf } from './tensor.ts'

/**
 * By parameter: multiplications of one sample, in all nodes that use it as a layer's weight; a multiplication
 * and an addition are two FLOPs.
 */
export function multiplications(graph: Graph): Map<string, number> {
  const found = new Map<string, number>()
  for (const { operator, inputs, outputs } of graph.nodes) {
    const weight = operator.weight === undefined ? undefined : inputs[operator.weight]
    if (weight?.role !== 'parameter') continue
    const [out] = outputs
    const samples = out.batched ? out.shape[0] : 1
    // Every weight meets each place of its output's plane once; of a transposed convolution, its input's.
    const places = sizeOf((operator.name === 'ConvTranspose' ? inputs[0] : out).shape.slice(2))
    const once =
      out.shape.length === 4 ? sizeOf(weight.shape) * places : (sizeOf(weight.shape) * out.shape[0]) / samples
    found.set(weight.name, (found.get(weight.name) ?? 0) + once)
  }
  return found
}
