/** @file Pooling. */
import type { Attributes, Node } from '../../graph/operator.ts'
import type { Shape, Tensor } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import * as kernels from '../kernels/pooling.ts'
import type { Lowering } from '../lowering.ts'

/** The kernels' size arguments for pooling x to y. */
export function poolSizes(x: Tensor, y: Tensor, attributes: Attributes) {
  if (!x.batched) throw new Error('the engine pools batched tensors only')
  const [kh, kw] = attributes.kernel_shape as Shape
  const [sy, sx] = attributes.strides as Shape
  const [top, left] = attributes.pads as Shape
  const [batch, channels, h, w] = x.shape
  return { channels, batch, h, w, oh: y.shape[2], ow: y.shape[3], kh, kw, sy, sx, top, left }
}

const includePad = ({ attributes }: Node) => (attributes.count_include_pad === 1 ? 1 : 0)

export const pooling: Record<string, Lowering> = {
  MaxPool: {
    emit: ({ inputs: [x], outputs: [y, index], attributes }, at) => [
      call(kernels.maxPool, { ...poolSizes(x, y, attributes), x: at(x), y: at(y), index: at(index) }),
    ],
  },
  AveragePool: {
    emit: (node, at) => {
      const {
        inputs: [x],
        outputs: [y],
        attributes,
      } = node
      return [
        call(kernels.averagePool, { ...poolSizes(x, y, attributes), x: at(x), y: at(y), includePad: includePad(node) }),
      ]
    },
  },
  AveragePoolGrad: {
    emit: (node, at) => {
      const {
        inputs: [dy],
        outputs: [dx],
        attributes,
      } = node
      const places = { gradient: at(dy), dinput: at(dx), includePad: includePad(node) }
      return [call(kernels.averagePoolGrad, { ...poolSizes(dx, dy, attributes), ...places })]
    },
  },
}
