/** @file Convolution and its gradients. */
import type { Attributes } from '../../graph/operator.ts'
import { convOptions } from '../../graph/operators/conv.ts'
import type { Shape, Tensor } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import * as kernels from '../kernels/conv.ts'
import type { Lowering } from '../lowering.ts'

/** The kernels' size arguments, for a convolution of x with weight to y. */
function sizes(x: Tensor, weight: { shape: Shape }, y: Tensor, attributes: Attributes) {
  const { strides, pads, dilations, group } = convOptions('Conv', attributes)
  if (!x.batched) throw new Error('the engine convolves batched tensors only')
  return {
    ...{ batch: x.shape[0], groups: group, in: weight.shape[1], out: weight.shape[0] / group },
    ...{ h: x.shape[2], w: x.shape[3], oh: y.shape[2], ow: y.shape[3], kh: weight.shape[2], kw: weight.shape[3] },
    ...{ sy: strides[0], sx: strides[1], dy: dilations[0], dx: dilations[1], top: pads[0], left: pads[1] },
  }
}

const sampleGrads = (squares: number): Lowering => ({
  emit: ({ inputs: [x, dy], outputs: [dw], attributes }, at) => {
    const weight = { shape: attributes.shape as Shape }
    const places = { x: at(x), gradient: at(dy), dweight: at(dw), squares }
    return [call(kernels.convSampleGrads, { ...sizes(x, weight, dy, attributes), ...places })]
  },
})

export const conv: Record<string, Lowering> = {
  Conv: {
    emit: ({ inputs: [x, weight, bias], outputs: [y], attributes }, at) => [
      call(kernels.conv, {
        ...{ ...sizes(x, weight, y, attributes), x: at(x), weight: at(weight), y: at(y) },
        ...{ bias: bias ? at(bias) : 0, hasBias: bias ? 1 : 0, relu: attributes.relu === 1 ? 1 : 0 },
      }),
    ],
  },
  ConvInputGrad: {
    emit: ({ inputs: [dy, weight], outputs: [dx], attributes }, at) => [
      call(kernels.convInputGrad, {
        ...{ ...sizes(dx, weight, dy, attributes), gradient: at(dy), weight: at(weight), dinput: at(dx) },
      }),
    ],
  },
  ConvSampleGrads: sampleGrads(0),
  ConvSampleSquares: sampleGrads(1),
  ConvWeightGrad: {
    emit: ({ inputs: [x, dy], outputs: [dw], attributes }, at) => [
      call(kernels.convWeightGrad, {
        ...{ ...sizes(x, dw, dy, attributes), x: at(x), gradient: at(dy), dweight: at(dw) },
      }),
    ],
  },
}
