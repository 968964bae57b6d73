/** @file One of two values, by a condition. */
import type { Graph } from '../../../graph/graph.ts'
import { add, mul, sub } from '../../../graph/operators/elementwise.ts'
import type { Tensor } from '../../../graph/tensor.ts'

/** `yes` where the condition is 1, `no` where it is 0; shapes are broadcast together. */
export const choose = (graph: Graph, condition: Tensor, yes: Tensor, no: Tensor): Tensor =>
  add(graph, mul(graph, yes, condition), mul(graph, no, sub(graph, graph.constant(1), condition)))
