/** @file Batch normalization. */
import { div } from '../../../graph/operators/arithmetic.ts'
import { add, mul, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import { reduceMean } from '../../../graph/operators/mean.ts'
import { normalize } from '../../../graph/operators/norm.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import { overSamples, rowMajor } from './layouts.ts'

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

/**
 * A normalization by the statistics of the batch, and what becomes of those that are stored. Where a file
 * leaves the number of samples open, theirs would depend on each other: throws Unsupported.
 */
const byBatch: Translator = (operation, [value, ...rest], scope) => {
  const { graph } = scope
  if (scope.fixedBatch === undefined)
    throw new Unsupported(
      `${operation.label}: it normalizes by the statistics of the batch (training mode), expected those that are stored, or a file that is written for a number of samples`,
    )
  const x = rowMajor(graph, scope.tensor(value, operation))
  const [scale, bias, ...stored] = rest.map((one) => rowMajor(graph, scope.tensor(one, operation)))
  const perChannel = (one: Tensor) => reshape(graph, one, [x.shape[1], ...x.shape.slice(2).map(() => 1)], false)
  const axes = [...x.shape.keys()].filter((axis) => axis !== 1)
  const mean = reduceMean(graph, x, axes)
  const centred = sub(graph, x, mean)
  const variance = reduceMean(graph, mul(graph, centred, centred), axes)
  const deviation = sqrt(graph, add(graph, variance, graph.constant(operation.float('epsilon', 1e-5))))
  const normal = mul(graph, div(graph, centred, deviation), perChannel(scale))
  const momentum = operation.float('momentum', 0.9)
  const running = [mean, variance].map((now, i) => {
    const flat = reshape(graph, now, [x.shape[1]], false)
    const kept = mul(graph, stored[i], graph.constant(momentum))
    return add(graph, kept, mul(graph, flat, graph.constant(1 - momentum)))
  })
  return [add(graph, normal, perChannel(bias)), ...running]
}

export const layers: Record<string, Translator> = {
  BatchNormalization: (operation, [x, ...rest], scope) => {
    // Before opset 14 the batch's statistics as outputs said that they were to be used, before 7 is_test did.
    const { opset } = operation
    const statistics = operation.outputs.slice(1).some(Boolean)
    if (opset >= 14 && operation.integer('training_mode', 0) !== 0) return byBatch(operation, [x, ...rest], scope)
    const training = opset < 7 ? operation.integer('is_test', 0) === 0 : opset < 14 && statistics
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
