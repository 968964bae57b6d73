/** @file Functions of one element, and softmax. */

import type { Graph } from '../../../graph/graph.ts'
import { dropout } from '../../../graph/operators/dropout.ts'
import { abs, add, clip, mul, neg, reciprocal, relu, sigmoid, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import { Softmax } from '../../../graph/operators/loss.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { limited } from './limits.ts'
import { broadcastable } from './samples.ts'
import { axisOf } from './sizes.ts'

const each =
  (apply: (graph: Graph, x: Tensor) => Tensor): Translator =>
  (operation, [x], scope) => [scope.map(x, operation, (tensor) => apply(scope.graph, tensor))]

const scaled = (graph: Graph, x: Tensor, factor: number) => mul(graph, x, graph.constant(factor))

const limits: Translator = (operation, [x, low, high], scope) => {
  const limit = (value: typeof low, name: string, without: number) => {
    // Attributes before opset 11, inputs since.
    const told = operation.opset < 11 ? operation.float(name, without) : without
    const found = value === undefined ? told : scope.known(value, operation, `limit ${name}`).values[0]
    if (Number.isNaN(found)) throw new Unsupported(`${operation.label}: its limit ${name} is not a number`)
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
    const tensor = scope.tensor(x, operation)
    const rows = broadcastable(scope.known(slope, operation, 'slope'), tensor.shape.length, operation, scope)
    return [leaky(scope.graph, tensor, scope.parameter(rows, 0.25))]
  },
  HardSigmoid: (operation, [x], scope) => {
    const [alpha, beta] = [operation.float('alpha', 0.2), operation.float('beta', 0.5)]
    return [scope.map(x, operation, (tensor) => hardSigmoid(scope.graph, tensor, alpha, beta))]
  },
  HardSwish: each((graph, x) => mul(graph, x, hardSigmoid(graph, x, 1 / 6, 0.5))),
  Softmax: (operation, [x], scope) => {
    const tensor = scope.tensor(x, operation)
    const { graph } = scope
    const axis = axisOf(operation.integer('axis', operation.opset < 13 ? 1 : -1), tensor.shape.length, operation)
    if (axis === 0) throw new Unsupported(`${operation.label}: a softmax over the samples is not supported`)
    if (operation.opset >= 13) return [graph.apply(Softmax, [tensor], { axis })[0]]
    // Before opset 13 all axes from this one on were one.
    const rows = tensor.shape.slice(0, axis)
    const flat = reshape(graph, tensor, [...rows, sizeOf(tensor.shape.slice(axis))])
    return [reshape(graph, graph.apply(Softmax, [flat], { axis })[0], tensor.shape)]
  },
  // Where the network is trained, as it is told here; a file whose own inference is random is refused.
  Dropout: (operation, [x, ratio, training], scope) => {
    const told = operation.opset < 12 ? operation.float('ratio', 0.5) : 0.5
    const share = ratio === undefined ? told : scope.known(ratio, operation, 'ratio').values[0]
    operation.ignore('seed')
    if (training !== undefined && scope.known(training, operation, 'training_mode').values[0] !== 0)
      throw new Unsupported(`${operation.label}: its training_mode is true, so what it gives is random`)
    return [scope.map(x, operation, (tensor) => dropout(scope.graph, tensor, share, scope.training))]
  },
}
