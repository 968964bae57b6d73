/** @file Convolution and its gradients. */

import type { Attributes } from '../../graph/operator.ts'
import { convOptions } from '../../graph/operators/conv.ts'
import type { Shape, Tensor } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import * as kernels from '../kernels/conv.ts'
import { BIAS, gemm } from '../kernels/gemm.ts'
import { RECTIFY } from '../kernels/rectify.ts'
import type { Lowering } from '../lowering.ts'

/** The kernels' size arguments, for a convolution of x with weight to y. */
function sizes(x: Tensor, weight: { shape: Shape }, y: Tensor, attributes: Attributes) {
  const { strides, pads, dilations, group } = convOptions('Conv', attributes)
  if (!x.batched) throw new Error('the engine convolves batched tensors only')
  return {
    batch: x.shape[0],
    groups: group,
    in: weight.shape[1],
    out: weight.shape[0] / group,
    h: x.shape[2],
    w: x.shape[3],
    oh: y.shape[2],
    ow: y.shape[3],
    kh: weight.shape[2],
    kw: weight.shape[3],
    sy: strides[0],
    sx: strides[1],
    dy: dilations[0],
    dx: dilations[1],
    top: pads[0],
    left: pads[1],
  }
}

/**
 * A 1 x 1 convolution without stride or padding is a matrix product: maps are rows of (row, column, sample).
 */
const isPointwise = (p: ReturnType<typeof sizes>) =>
  p.groups === 1 && p.kh === 1 && p.kw === 1 && p.h === p.oh && p.w === p.ow && p.top === 0 && p.left === 0

const noBias = { bias: 0, biasKind: BIAS.none, relu: 0 }

/** From the result of a convolution back to its input: dx from dy, or a transposed convolution. */
const inputGrad: Lowering = {
  emit: ({ inputs: [dy, weight], outputs: [dx], attributes }, at) => {
    const p = sizes(dx, weight, dy, attributes)
    if (!isPointwise(p))
      return [call(kernels.convInputGrad, { ...p, gradient: at(dy), weight: at(weight), dinput: at(dx) })]
    const n = p.h * p.w * p.batch
    const operands = { a: at(weight), aOuter: 1, aDepth: p.in, b: at(dy), bOuter: 1, bDepth: n, c: at(dx) }
    return [call(gemm, { m: p.in, n, k: p.out, ...operands, ...noBias })]
  },
}

const sampleGrads = (squares: number): Lowering => ({
  emit: ({ inputs: [x, dy], outputs: [dw, sum], attributes }, at) => {
    const weight = { shape: attributes.shape as Shape }
    const places = { x: at(x), gradient: at(dy), dweight: at(dw), squares, sum: sum ? at(sum) : 0, hasSum: sum ? 1 : 0 }
    return [call(kernels.convSampleGrads, { ...sizes(x, weight, dy, attributes), ...places })]
  },
})

export const conv: Record<string, Lowering> = {
  Conv: {
    emit: ({ inputs: [x, weight, bias], outputs: [y], attributes }, at) => {
      const p = sizes(x, weight, y, attributes)
      const relu = Number(attributes.relu ?? RECTIFY.none)
      if (!isPointwise(p)) {
        const rest = { bias: bias ? at(bias) : 0, hasBias: bias ? 1 : 0, relu }
        return [call(kernels.conv, { ...p, x: at(x), weight: at(weight), y: at(y), ...rest })]
      }
      const n = p.h * p.w * p.batch
      const operands = { a: at(weight), aOuter: p.in, aDepth: 1, b: at(x), bOuter: 1, bDepth: n, c: at(y) }
      const epilogue = bias ? { bias: at(bias), biasKind: BIAS.row, relu } : { ...noBias, relu }
      return [call(gemm, { m: p.out, n, k: p.in, ...operands, ...epilogue })]
    },
  },
  ConvInputGrad: inputGrad,
  ConvTranspose: inputGrad,
  ConvSampleGrads: sampleGrads(0),
  ConvSampleSquares: sampleGrads(1),
  ConvWeightGrad: {
    emit: ({ inputs: [x, dy], outputs: [dw], attributes }, at) => {
      const p = sizes(x, dw, dy, attributes)
      if (!isPointwise(p)) return [call(kernels.convWeightGrad, { ...p, x: at(x), gradient: at(dy), dweight: at(dw) })]
      const k = p.h * p.w * p.batch
      const operands = { a: at(dy), aOuter: k, aDepth: 1, b: at(x), bOuter: k, bDepth: 1, c: at(dw) }
      return [call(gemm, { m: p.out, n: p.in, k, ...operands, ...noBias })]
    },
  },
}
