/** @file Activations that ONNX Runtime joins with the bias before them. */

import type { Graph } from '../../../../graph/graph.ts'
import { add, mul, sigmoid } from '../../../../graph/operators/elementwise.ts'
import { gelu } from '../../../../graph/operators/functions.ts'
import type { Tensor } from '../../../../graph/tensor.ts'
import type { Translator } from '../../scope.ts'
import { geluByTanh } from '../activation.ts'
import { combine, each } from '../elementwise.ts'

/** A function of one number, after a bias where there is one. */
const biased =
  (apply: (graph: Graph, x: Tensor) => Tensor): Translator =>
  (operation, [x, bias], scope) => {
    const shifted = bias && combine(operation, [x, bias], scope, (graph, [a, b]) => add(graph, a, b), 0)
    return [scope.map(shifted ?? x, operation, (tensor) => apply(scope.graph, tensor))]
  }

export const gelus: Record<string, Translator> = {
  Gelu: each(gelu),
  BiasGelu: biased(gelu),
  FastGelu: biased(geluByTanh),
  // x sigmoid(alpha x) (Hendrycks & Gimpel 2016).
  QuickGelu: (operation, [x], scope) => {
    const alpha = operation.float('alpha', 1.702)
    const apply = (tensor: Tensor) =>
      mul(scope.graph, tensor, sigmoid(scope.graph, mul(scope.graph, tensor, scope.graph.constant(alpha))))
    return [scope.map(x, operation, apply)]
  },
}
