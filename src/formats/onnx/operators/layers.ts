/** @file Convolutions and batch normalization. */
import { div } from '../../../graph/operators/arithmetic.ts'
import { conv } from '../../../graph/operators/conv.ts'
import { add, mul, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import { normalize } from '../../../graph/operators/norm.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import { sameShape, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { biasOf } from './bias.ts'
import { overSamples, rowMajor } from './layouts.ts'
import { onPlanes, windowsOf } from './windows.ts'

const convolution: Translator = (operation, [x, w, b], scope) => {
  const weight = scope.known(w, operation, 'weight')
  const tensor = overSamples(scope.graph, scope.tensor(x, operation))
  const [outputs, inputs, ...sizes] = weight.shape
  const stated = operation.integers('kernel_shape') ?? sizes
  if (!sameShape(stated, sizes))
    throw new UserError(`${operation.label}: its kernel_shape is [${stated}], but its weight is [${weight.shape}]`)
  const { kernel, pads, strides, dilations } = windowsOf(operation, sizes, tensor.shape.slice(2))
  const group = operation.integer('group', 1)
  const area = kernel[0] * kernel[1]
  const fan = { in: inputs * area, out: (outputs / group) * area }
  const parameter = scope.parameter(weight.reshaped([outputs, inputs, ...kernel]), fan)
  const bias = biasOf(b, outputs, fan, scope, operation)
  const options = { pads, strides, dilations, group }
  return [onPlanes(scope.graph, tensor, (planes) => conv(scope.graph, planes, parameter, bias, options))]
}

/** A batch normalization whose scale, bias, mean or variance the network computes. */
function byComputed(
  x: Tensor,
  rest: readonly (Value | undefined)[],
  epsilon: number,
  { operation, scope }: { operation: Operation; scope: Scope },
): Tensor {
  const { graph } = scope
  const [scale, bias, mean, variance] = rest.map((value) => {
    const tensor = rowMajor(graph, scope.tensor(value, operation))
    return reshape(graph, tensor, [tensor.shape[0], ...x.shape.slice(2).map(() => 1)], false)
  })
  const deviation = sqrt(graph, add(graph, variance, graph.constant(epsilon)))
  return add(graph, mul(graph, sub(graph, x, mean), div(graph, scale, deviation)), bias)
}

export const layers: Record<string, Translator> = {
  Conv: convolution,
  BatchNormalization: (operation, [x, ...rest], scope) => {
    // Before opset 14, the batch's statistics as outputs said that they were to be used.
    const { opset } = operation
    const training = opset < 14 ? operation.outputs.slice(1).some(Boolean) : operation.integer('training_mode', 0) !== 0
    if (training)
      throw new Unsupported(
        `${operation.label}: it normalizes by the statistics of the batch (training mode), expected those that are stored`,
      )
    if (opset < 9 && operation.integer('spatial', 1) === 0)
      throw new Unsupported(`${operation.label}: a normalization of every place by itself (spatial=0) is not supported`)
    const epsilon = operation.float('epsilon', 1e-5)
    const tensor = overSamples(scope.graph, scope.tensor(x, operation))
    if (!rest.every((value) => value instanceof Known)) {
      operation.ignore('momentum')
      return [byComputed(tensor, rest, epsilon, { operation, scope })]
    }
    const [scale, bias, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map((what, i) =>
      scope.known(rest[i], operation, what),
    )
    const parts = {
      scale: scope.parameter(scale, 1),
      bias: scope.parameter(bias, 0),
      mean: scope.buffer(mean, 0),
      variance: scope.buffer(variance, 1),
    }
    const momentum = 1 - operation.float('momentum', 0.9)
    return [normalize(scope.graph, tensor, parts, { training: scope.training, epsilon, momentum })]
  },
}
