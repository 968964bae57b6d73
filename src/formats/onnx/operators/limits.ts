/** @file Values kept between two limits. */
import type { Graph } from '../../../graph/graph.ts'
import { clip, relu } from '../../../graph/operators/elementwise.ts'
import type { Tensor } from '../../../graph/tensor.ts'

/** The largest float: a limit that limits nothing. */
const HUGE = 3.4028234663852886e38

/**
 * min(max(x, least), most), so that of two limits that cross each other the upper one holds; a ReLU where
 * only negative values are cut off. Default: no limit.
 */
export const limited = (graph: Graph, x: Tensor, { least = -HUGE, most = HUGE }: { least?: number; most?: number }) =>
  least === 0 && most >= HUGE ? relu(graph, x) : clip(graph, x, Math.min(least, most), most)
