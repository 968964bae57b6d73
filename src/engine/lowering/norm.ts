/** @file Batch normalization. */
import type { Node } from '../../graph/operator.ts'
import { sizeOf, type Tensor } from '../../graph/tensor.ts'
import { floatBits } from '../bits.ts'
import { call } from '../kernel.ts'
import * as kernels from '../kernels/norm.ts'
import type { Lowering, Placement } from '../lowering.ts'

/** Channels and values per channel; channels are outermost in memory where the tensor is batched. */
function sizes(x: Tensor) {
  if (!x.batched) throw new Error('the engine normalizes batched tensors only')
  return { channels: x.shape[1], n: sizeOf(x.shape) / x.shape[1] }
}

/** What the attribute `residual`, set by the engine (fuse.ts), makes of the last input: it is added. */
function residualOf({ inputs, attributes }: Node, at: Placement) {
  const hasResidual = attributes.residual === 1
  return { residual: hasResidual ? at(inputs[inputs.length - 1]) : 0, hasResidual: hasResidual ? 1 : 0 }
}

/** The output may lie where x does, or the residual. */
const overMaps = ({ inputs, attributes }: Node) => (attributes.residual === 1 ? [0, inputs.length - 1] : [0])

/** The gradients that arrive at BatchNormTrainGrad, but where one of them is x itself. */
const arriving = ({ inputs }: Node) => [0, 6].filter((i) => inputs[i] !== inputs[1])

export const norm: Record<string, Lowering> = {
  BatchNormalization: {
    emit: (node, at) => {
      const [x, scale, bias, mean, variance] = node.inputs
      return [
        call(kernels.batchNorm, {
          ...sizes(x),
          x: at(x),
          scale: at(scale),
          bias: at(bias),
          mean: at(mean),
          var: at(variance),
          epsilon: floatBits(node.attributes.epsilon as number),
          y: at(node.outputs[0]),
          relu: node.attributes.relu === 1 ? 1 : 0,
          ...residualOf(node, at),
        }),
      ]
    },
    inPlace: overMaps,
  },
  BatchNormTrain: {
    emit: (node, at) => {
      const [x, scale, bias] = node.inputs
      const [y, mean, variance] = node.outputs
      return [
        call(kernels.batchNormTrain, {
          ...sizes(x),
          x: at(x),
          scale: at(scale),
          bias: at(bias),
          epsilon: floatBits(node.attributes.epsilon as number),
          y: at(y),
          mean: at(mean),
          var: at(variance),
          relu: node.attributes.relu === 1 ? 1 : 0,
          ...residualOf(node, at),
        }),
      ]
    },
    inPlace: overMaps,
  },
  // What fuse.ts adds: a sixth input is the output of the ReLU that the gradient comes through, a seventh one
  // is added to the gradient before that; a fourth output is the gradient behind both.
  BatchNormTrainGrad: {
    emit: ({ inputs: [dy, x, scale, mean, variance, y, more], outputs: [dx, dscale, dbias, g], attributes }, at) => [
      call(kernels.batchNormGrad, {
        ...sizes(x),
        dy: at(dy),
        x: at(x),
        scale: at(scale),
        mean: at(mean),
        var: at(variance),
        epsilon: floatBits(attributes.epsilon as number),
        summed: more ? 1 : 0,
        more: more ? at(more) : 0,
        masked: y ? 1 : 0,
        y: y ? at(y) : 0,
        g: at(g ?? dx),
        dx: at(dx),
        dscale: at(dscale),
        dbias: at(dbias),
      }),
    ],
    // Where nobody else reads the gradient behind the ReLU, it goes through the place of dx while x is read.
    inPlace: (node) => (node.outputs.length > 3 ? [1] : node.inputs.length > 5 ? arriving(node) : [0, 1]),
    laterInPlace: (node) => ({ 3: arriving(node) }),
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
