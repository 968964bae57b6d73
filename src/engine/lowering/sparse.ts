/** @file Sparse convolutions and linear layers, and their gradients. */

import type { Attributes, Node } from '../../graph/operator.ts'
import { convOptions } from '../../graph/operators/conv.ts'
import type { Shape } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import { RECTIFY } from '../kernels/rectify.ts'
import { sparseConv, sparseConvInputGrad, sparseConvWeightGrad, sparseFits } from '../kernels/sparse.ts'
import type { Lowering } from '../lowering.ts'

/** The kernels' size arguments, for inputs and outputs [N, channels] or [N, channels, rows, columns]. */
export function sparseSizes(x: Shape, weight: Shape, y: Shape, attributes: Attributes) {
  const { strides, pads, dilations, group } = convOptions('SparseConv', attributes)
  const [, , h = 1, w = 1] = x
  const [, , oh = 1, ow = 1] = y
  const [out, channels, kh = 1, kw = 1] = weight
  return {
    batch: x[0],
    groups: group,
    in: channels,
    out,
    h,
    w,
    oh,
    ow,
    kh,
    kw,
    sy: strides[0],
    sx: strides[1],
    dy: dilations[0],
    dx: dilations[1],
    top: pads[0],
    left: pads[1],
  }
}

/**
 * The sizes of the convolution or linear layer that a node is, or is the input gradient of: its weight is
 * input 1.
 */
export function layerSizes({ operator, inputs: [first, weight], outputs: [result], attributes }: Node) {
  const forward = operator.name === 'Conv' || (operator.name === 'Gemm' && attributes.transB === 1)
  const [x, y] = forward ? [first, result] : [result, first]
  const { shape: _, ...options } = operator.name === 'Gemm' ? {} : attributes
  return sparseSizes(x.shape, weight.shape, y.shape, options)
}

/** Whether the sparse kernels take such a node. */
export const fitsSparse = (node: Node): boolean => sparseFits(layerSizes(node))

export const sparse: Record<string, Lowering> = {
  // The attribute `residual`, set by the engine (fuse.ts): the last input is added.
  SparseConv: {
    emit: ({ inputs: [x, values, starts, places, ...rest], outputs: [y], attributes }, at) => {
      const residual = attributes.residual === 1 ? rest.pop() : undefined
      const [bias] = rest
      return [
        call(sparseConv, {
          ...sparseSizes(x.shape, attributes.weight as Shape, y.shape, attributes),
          x: at(x),
          values: at(values),
          starts: at(starts),
          places: at(places),
          capacity: values.shape[0],
          y: at(y),
          bias: bias ? at(bias) : 0,
          hasBias: bias ? 1 : 0,
          relu: Number(attributes.relu ?? RECTIFY.none),
          residual: residual ? at(residual) : 0,
          hasResidual: residual ? 1 : 0,
        }),
      ]
    },
  },
  SparseConvInputGrad: {
    emit: ({ inputs: [dy, values, starts, places, entries], outputs: [dx], attributes }, at) => [
      call(sparseConvInputGrad, {
        ...sparseSizes(dx.shape, attributes.weight as Shape, dy.shape, attributes),
        gradient: at(dy),
        values: at(values),
        starts: at(starts),
        places: at(places),
        entries: at(entries),
        capacity: values.shape[0],
        dinput: at(dx),
      }),
    ],
  },
  SparseConvWeightGrad: {
    emit: ({ inputs: [x, dy, starts, places], outputs: [sums], attributes }, at) => [
      call(sparseConvWeightGrad, {
        ...sparseSizes(x.shape, attributes.weight as Shape, dy.shape, attributes),
        x: at(x),
        gradient: at(dy),
        starts: at(starts),
        places: at(places),
        capacity: sums.shape[1],
        parts: sums.shape[0],
        sums: at(sums),
      }),
    ],
  },
}
