/** @file Means and sums over axes, and pooling (window-pooling.ts). */

import type { Graph } from '../../../graph/graph.ts'
import { reduceMean } from '../../../graph/operators/mean.ts'
import { reduceSum } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Translator } from '../scope.ts'
import { rowMajor } from './layouts.ts'
import { reducedAxes } from './sizes.ts'
import { windowPooling } from './window-pooling.ts'

const reduction =
  (reduce: (graph: Graph, x: Tensor, axes: readonly number[], keep: number) => Tensor): Translator =>
  (operation, [x, list], scope) => {
    const given = scope.tensor(x, operation)
    const keep = operation.integer('keepdims', 1) === 0 ? 0 : 1
    const axes = reducedAxes(operation, list, given.shape.length, scope)
    if (!axes) return [given]
    const tensor = axes.has(0) ? rowMajor(scope.graph, given) : given
    return [reduce(scope.graph, tensor, [...axes], keep)]
  }

export const pooling: Record<string, Translator> = {
  ...windowPooling,
  ReduceMean: reduction(reduceMean),
  ReduceSum: reduction(reduceSum),
}
