/** @file Normalization by what a sample itself is like (Ba et al. 2016), made of other operators. */
import type { Graph } from '../graph.ts'
import type { Builder } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { add, mul, reciprocal, sqrt, sub } from './elementwise.ts'
import { reduceMean } from './mean.ts'
import { reshape } from './shape.ts'

/** (x - mean) / sqrt(variance + epsilon) over axes, the mean, and what was multiplied with. */
export function standardized(
  graph: Builder,
  x: Tensor,
  axes: readonly number[],
  epsilon: number,
): [normal: Tensor, mean: Tensor, inverse: Tensor] {
  const mean = reduceMean(graph, x, axes)
  const centred = sub(graph, x, mean)
  const variance = reduceMean(graph, mul(graph, centred, centred), axes)
  const inverse = reciprocal(graph, sqrt(graph, add(graph, variance, graph.constant(epsilon))))
  return [mul(graph, centred, inverse), mean, inverse]
}

/**
 * A layer normalization over the channels of every place: x [N, C, ...], parameters `<name>.weight` [C] (1 at
 * first) and `<name>.bias` [C] (0).
 */
export function layerNorm(graph: Graph, x: Tensor, name: string, epsilon = 1e-5): Tensor {
  const [, channels, ...places] = x.shape
  const perChannel = (part: string, initial: number) =>
    reshape(graph, graph.parameter(`${name}.${part}`, [channels], initial), [channels, ...places.map(() => 1)])
  const [normal] = standardized(graph, x, [1], epsilon)
  return add(graph, mul(graph, normal, perChannel('weight', 1)), perChannel('bias', 0))
}
