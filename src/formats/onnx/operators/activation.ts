/** @file Functions of one element, and softmax. */

import type { Graph } from '../../../graph/graph.ts'
import { dropout } from '../../../graph/operators/dropout.ts'
import { abs, add, clip, mul, neg, reciprocal, relu, sigmoid, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import { Softmax } from '../../../graph/operators/loss.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { type Translator, Unsupported } from '../scope.ts'
import type { Known } from '../value.ts'
import { limited } from './limits.ts'

const each =
  (apply: (graph: Graph, x: Tensor) => Tensor): Translator =>
  (operation, [x], scope) => [scope.map(x, operation, (tensor) => apply(scope.graph, tensor))]

const scaled = (graph: Graph, x: Tensor, factor: number) => mul(graph, x, graph.constant(factor))

const limits: Translator = (operation, [x, low, high], scope) => {
  const limit = (value: typeof low, name: string, without: number) => {
    if (value !== undefined) return scope.known(value, operation, `limit ${name}`).list()[0]
    const found = operation.float(name, without)
    return Number.isFinite(found) ? found : undefined
  }
  const [least, most] = [limit(low, 'min', -Infinity), limit(high, 'max', Infinity)]
  return [scope.map(x, operation, (tensor) => limited(scope.graph, tensor, { least, most }))]
}

/** min(max(alpha x + beta, 0), 1). */
const hardSigmoid = (graph: Graph, x: Tensor, alpha: number, beta: number) =>
  clip(graph, add(graph, scaled(graph, x, alpha), graph.constant(beta)), 0, 1)

/** x where it is above 0, else slope x. */
const leaky = (graph: Graph, x: Tensor, slope: Tensor) =>
  sub(graph, relu(graph, x), mul(graph, relu(graph, neg(graph, x)), slope))

export const activation: Record<string, Translator> = {
  Abs: each(abs),
  Neg: each(neg),
  Relu: each(relu),
  Sigmoid: each(sigmoid),
  Sqrt: each(sqrt),
  Reciprocal: each(reciprocal),
  // 2 sigmoid(2 x) - 1
  Tanh: each((graph, x) => sub(graph, scaled(graph, sigmoid(graph, scaled(graph, x, 2)), 2), graph.constant(1))),
  Clip: limits,
  LeakyRelu: (operation, [x], scope) => [
    scope.map(x, operation, (tensor) =>
      leaky(scope.graph, tensor, scope.graph.constant(operation.float('alpha', 0.01))),
    ),
  ],
  PRelu: (operation, [x, slope], scope) => {
    const known: Known = scope.known(slope, operation, 'slope')
    return [leaky(scope.graph, scope.tensor(x, operation), scope.parameter(known, 0.25))]
  },
  HardSigmoid: (operation, [x], scope) => {
    const [alpha, beta] = [operation.float('alpha', 0.2), operation.float('beta', 0.5)]
    return [scope.map(x, operation, (tensor) => hardSigmoid(scope.graph, tensor, alpha, beta))]
  },
  HardSwish: each((graph, x) => mul(graph, x, hardSigmoid(graph, x, 1 / 6, 0.5))),
  Softmax: (operation, [x], scope) => {
    const tensor = scope.tensor(x, operation)
    const rank = tensor.shape.length
    const axis = operation.integer('axis', operation.opset < 13 ? 1 : -1)
    // Before opset 13 all axes from this one on were one.
    if (operation.opset < 13 && axis !== rank - 1 && axis !== -1)
      throw new Unsupported(`${operation.label}: a softmax over several axes at once is not supported`)
    return [scope.graph.apply(Softmax, [tensor], { axis: axis < 0 ? axis + rank : axis })[0]]
  },
  Dropout: (operation, [x, ratio], scope) => {
    const share = ratio === undefined ? operation.float('ratio', 0.5) : scope.known(ratio, operation, 'ratio').list()[0]
    return [scope.map(x, operation, (tensor) => dropout(scope.graph, tensor, share, scope.training))]
  },
}
