/** @file Batch normalization. */
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { floatBits } from '../bits.ts'
import { call } from '../kernel.ts'
import * as kernels from '../kernels/norm.ts'
import type { Lowering } from '../lowering.ts'

/** Channels and values per channel; channels are outermost in memory where the tensor is batched. */
function sizes(x: Tensor) {
  if (!x.batched) throw new Error('the engine normalizes batched tensors only')
  return { channels: x.shape[1], n: sizeOf(x.shape) / x.shape[1] }
}

export const norm: Record<string, Lowering> = {
  BatchNormalization: {
    emit: ({ inputs: [x, scale, bias, mean, variance], outputs: [y], attributes }, at) => [
      call(kernels.batchNorm, {
        ...sizes(x),
        x: at(x),
        scale: at(scale),
        bias: at(bias),
        mean: at(mean),
        var: at(variance),
        epsilon: floatBits(attributes.epsilon as number),
        y: at(y),
        relu: attributes.relu === 1 ? 1 : 0,
      }),
    ],
    inPlace: () => [0],
  },
  BatchNormTrain: {
    emit: ({ inputs: [x, scale, bias], outputs: [y, mean, variance], attributes }, at) => [
      call(kernels.batchNormTrain, {
        ...sizes(x),
        x: at(x),
        scale: at(scale),
        bias: at(bias),
        epsilon: floatBits(attributes.epsilon as number),
        y: at(y),
        mean: at(mean),
        var: at(variance),
        relu: attributes.relu === 1 ? 1 : 0,
      }),
    ],
    inPlace: () => [0],
  },
  // A sixth input is the output of the ReLU that the gradient comes through (fuse.ts).
  BatchNormTrainGrad: {
    emit: ({ inputs: [dy, x, scale, mean, variance, y], outputs: [dx, dscale, dbias], attributes }, at) => [
      call(kernels.batchNormGrad, {
        ...sizes(x),
        dy: at(dy),
        x: at(x),
        scale: at(scale),
        mean: at(mean),
        var: at(variance),
        epsilon: floatBits(attributes.epsilon as number),
        masked: y ? 1 : 0,
        y: y ? at(y) : 0,
        dx: at(dx),
        dscale: at(dscale),
        dbias: at(dbias),
      }),
    ],
    inPlace: () => [0],
  },
  RunningAverage: {
    emit: ({ inputs: [running, batch], attributes }, at) => [
      call(kernels.runningAverage, {
        n: sizeOf(running.shape),
        x: at(running),
        y: at(batch),
        rate: floatBits(attributes.rate as number),
        factor: floatBits(attributes.factor as number),
      }),
    ],
  },
}
