/**
 * @file The two ways in which computed values lie: over samples (axis 0 runs over them, and is innermost in
 * memory), as convolutions and pooling need them, and row-major, as whatever moves, joins or cuts axis 0
 * does. Neither costs anything where there is one sample.
 */
import type { Graph } from '../../../graph/graph.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'

/** The same values, row-major. */
export const rowMajor = (graph: Graph, x: Tensor): Tensor => reshape(graph, x, x.shape, false)

/** The same values with axis 0 as that of the samples. A scalar stays as it is. */
export const overSamples = (graph: Graph, x: Tensor): Tensor => reshape(graph, x, x.shape, x.shape.length > 0)
