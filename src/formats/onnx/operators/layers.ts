/**
 * @file Layers with weights: convolutions, matrix products, batch normalization. Weights of matrix products
 * become [outputs, inputs], as the methods expect them.
 */
import { conv } from '../../../graph/operators/conv.ts'
import { add, mul } from '../../../graph/operators/elementwise.ts'
import { gemm } from '../../../graph/operators/linear.ts'
import { normalize } from '../../../graph/operators/norm.ts'
import { type Fan, sameShape, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { onPlanes, windowsOf } from './windows.ts'

/** A bias of `size`: one per output, or one for all. */
function biasOf(
  value: Value | undefined,
  size: number,
  fan: Fan,
  scope: Scope,
  operation: Operation,
): Tensor | undefined {
  if (value === undefined) return undefined
  const known = scope.known(value, operation, 'bias')
  const last = known.shape.at(-1) ?? 1
  if (known.size !== last || known.shape.length > 2 || (last !== size && last !== 1))
    throw new Unsupported(`${operation.label}: expected a bias of ${size} values, found [${known.shape}]`)
  if (last === size) return scope.parameter(known.reshaped([size]), fan)
  return scope.constant(new Known([size], () => Array(size).fill(known.values[0])))
}

const convolution: Translator = (operation, [x, w, b], scope) => {
  const weight = scope.known(w, operation, 'weight')
  const tensor = scope.tensor(x, operation)
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

/** x [N, inputs] times a stored matrix, as [outputs, inputs] from here on. */
function layer(x: Tensor, matrix: Known, b: Value | undefined, scope: Scope, operation: Operation): Tensor {
  const fan = { in: matrix.shape[1], out: matrix.shape[0] }
  const weight = scope.parameter(matrix, fan)
  const bias = biasOf(b, matrix.shape[0], fan, scope, operation)
  return gemm(scope.graph, x, weight, { transB: 1, bias })
}

const matrix = (value: Known, operation: Operation) => {
  if (value.shape.length === 2) return value
  throw new Unsupported(`${operation.label}: expected a matrix as weight, found [${value.shape}]`)
}

export const layers: Record<string, Translator> = {
  Conv: convolution,
  Gemm: (operation, [a, b, c], scope) => {
    const [alpha, beta] = [operation.float('alpha', 1), operation.float('beta', 1)]
    const x = scope.tensor(a, operation)
    if (operation.integer('transA', 0) !== 0)
      throw new Unsupported(`${operation.label}: a transposed input (transA) would mix samples`)
    const stored = matrix(scope.known(b, operation, 'weight'), operation)
    const weight = operation.integer('transB', 0) ? stored : stored.transposed()
    const factor = (value: number) => scope.graph.constant(value)
    if (alpha === 1 && beta === 1) return [layer(x, weight, c, scope, operation)]
    const product = mul(scope.graph, layer(x, weight, undefined, scope, operation), factor(alpha))
    const fan = { in: weight.shape[1], out: weight.shape[0] }
    const bias = biasOf(c, weight.shape[0], fan, scope, operation)
    return [bias ? add(scope.graph, product, mul(scope.graph, bias, factor(beta))) : product]
  },
  MatMul: (operation, [a, b, bias], scope) => {
    const x = scope.tensor(a, operation)
    const weight = matrix(scope.known(b, operation, 'second factor'), operation)
    if (x.shape.length !== 2)
      throw new Unsupported(`${operation.label}: expected one row per sample, found [${x.shape}]`)
    return [layer(x, weight.transposed(), bias, scope, operation)]
  },
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
    return [normalize(scope.graph, scope.tensor(x, operation), parts, { training: scope.training, epsilon, momentum })]
  },
}
