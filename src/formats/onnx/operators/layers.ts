/** @file Batch normalization. */
import { normalize } from '../../../graph/operators/norm.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { overSamples } from './layouts.ts'

export const layers: Record<string, Translator> = {
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
