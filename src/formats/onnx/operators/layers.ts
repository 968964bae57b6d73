/** @file Convolutions and batch normalization. */
import { conv } from '../../../graph/operators/conv.ts'
import { normalize } from '../../../graph/operators/norm.ts'
import { sameShape } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { biasOf } from './bias.ts'
import { overSamples } from './layouts.ts'
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
    const [scale, bias, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map((what, i) =>
      scope.known(rest[i], operation, what),
    )
    const parts = {
      scale: scope.parameter(scale, 1),
      bias: scope.parameter(bias, 0),
      mean: scope.buffer(mean, 0),
      variance: scope.buffer(variance, 1),
    }
    const epsilon = operation.float('epsilon', 1e-5)
    const momentum = 1 - operation.float('momentum', 0.9)
    const tensor = overSamples(scope.graph, scope.tensor(x, operation))
    return [normalize(scope.graph, tensor, parts, { training: scope.training, epsilon, momentum })]
  },
}
