/** @file Softmax over any axis, its logarithm, and the one at the largest value. */
import type { Graph } from '../../../graph/graph.ts'
import { equal } from '../../../graph/operators/comparisons.ts'
import { sub } from '../../../graph/operators/elementwise.ts'
import { exp, log } from '../../../graph/operators/functions.ts'
import { Softmax } from '../../../graph/operators/loss.ts'
import { reduceMax } from '../../../graph/operators/reductions.ts'
import { reduceSum, reshape } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import type { Translator } from '../scope.ts'
import { rowMajor } from './layouts.ts'
import { ordered } from './order.ts'
import { placeOf, placesAlong } from './reductions.ts'
import { axisOf } from './sizes.ts'

/** Something along one axis; over axis 0 it is row-major. Before opset 13 all axes from that one on were one. */
const along =
  (apply: (graph: Graph, x: Tensor, axis: number) => Tensor): Translator =>
  (operation, [x], scope) => {
    const { graph } = scope
    const rank = x?.shape.length ?? 0
    const asked = axisOf(operation.integer('axis', operation.opset < 13 ? 1 : -1), rank, operation)
    if (operation.opset < 13 && sizeOf(x!.shape.slice(asked + 1)) > 1) {
      const tensor = scope.tensor(x, operation)
      const given = asked === 0 ? rowMajor(graph, tensor) : tensor
      const rows = given.shape.slice(0, asked)
      const flat = reshape(graph, given, [...rows, sizeOf(given.shape.slice(asked))], given.batched)
      return [reshape(graph, apply(graph, flat, asked), given.shape, given.batched)]
    }
    const { tensor, axis, back } = ordered(x, operation, scope)
    const at = axis(asked)
    return [back(apply(graph, at === 0 ? rowMajor(graph, tensor) : tensor, at))]
  }

/** x - max - log of the sum of e^(x - max). */
function logSoftmax(graph: Graph, x: Tensor, axis: number): Tensor {
  const centred = sub(graph, x, reduceMax(graph, x, [axis]))
  return sub(graph, centred, log(graph, reduceSum(graph, exp(graph, centred), [axis])))
}

export const softmax: Record<string, Translator> = {
  Softmax: along((graph, x, axis) => graph.apply(Softmax, [x], { axis })[0]),
  LogSoftmax: along(logSoftmax),
  Hardmax: along((graph, x, axis) => equal(graph, placesAlong(graph, x, axis), placeOf(graph, x, axis))),
}
