/** @file Operators on maps of bytes. */
import type { Attributes } from '../../graph/operator.ts'
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import { call } from '../kernel.ts'
import { dequantize, int8Add, quantize } from '../kernels/int8.ts'
import { int8Conv, int8Depthwise, int8SparseConv } from '../kernels/int8-conv.ts'
import { int8AveragePool, int8MaxPool } from '../kernels/int8-pooling.ts'
import type { Lowering, Placement } from '../lowering.ts'
import { poolSizes } from './pooling.ts'
import { sparseSizes } from './sparse.ts'

const numberOf = (attributes: Attributes, name: string) => Number(attributes[name])

/** What the results of a node are limited to. */
const limitsOf = (attributes: Attributes) => ({
  zero: numberOf(attributes, 'zero'),
  low: numberOf(attributes, 'low'),
  high: numberOf(attributes, 'high'),
})

/** The kernels' size arguments for bytes x and a weight of a shape. */
export function int8Sizes(x: Shape, weight: Shape, y: Shape, attributes: Attributes) {
  const sizes = sparseSizes(x, weight, y, attributes)
  return { ...sizes, out: sizes.out / sizes.groups }
}

/** Places of a map, samples counted. */
const placesOf = ({ shape }: Tensor) => sizeOf(shape) / shape[1]

function convolution(x: Tensor, y: Tensor, attributes: Attributes, at: Placement) {
  const { strides, pads, dilations, group } = attributes
  const given = Object.entries({ strides, pads, dilations, group }).filter(([, value]) => value !== undefined)
  return {
    ...int8Sizes(x.shape, attributes.weight as Shape, y.shape, Object.fromEntries(given)),
    ...limitsOf(attributes),
    x: at(x),
    border: numberOf(attributes, 'border'),
    y: at(y),
  }
}

export const int8: Record<string, Lowering> = {
  Quantize: {
    emit: ({ inputs: [x, scale], outputs: [y], attributes }, at) => [
      call(quantize, {
        channels: x.shape[1],
        n: placesOf(x),
        x: at(x),
        scale: at(scale),
        zero: numberOf(attributes, 'zero'),
        y: at(y),
      }),
    ],
  },
  Dequantize: {
    emit: ({ inputs: [x, scale], outputs: [y], attributes }, at) => [
      call(dequantize, {
        channels: y.shape[1],
        n: placesOf(x),
        x: at(x),
        scale: at(scale),
        zero: numberOf(attributes, 'zero'),
        y: at(y),
      }),
    ],
  },
  Int8Conv: {
    emit: ({ inputs: [x, weight, offset, scale], outputs: [y], attributes }, at) => {
      const args = {
        ...convolution(x, y, attributes, at),
        weight: at(weight),
        offset: at(offset),
        scale: at(scale),
      }
      if (args.groups > 1) return [call(int8Depthwise, args)]
      return [call(int8Conv, { ...args, toFloat: attributes.toFloat === 1 ? 1 : 0 })]
    },
  },
  Int8SparseConv: {
    emit: ({ inputs: [x, values, starts, places, offset, scale], outputs: [y], attributes }, at) => [
      call(int8SparseConv, {
        ...convolution(x, y, attributes, at),
        values: at(values),
        starts: at(starts),
        places: at(places),
        capacity: sizeOf(values.shape) / 4,
        offset: at(offset),
        scale: at(scale),
        toFloat: attributes.toFloat === 1 ? 1 : 0,
      }),
    ],
  },
  Int8Add: {
    emit: ({ inputs: [a, b, scale], outputs: [y], attributes }, at) => [
      call(int8Add, {
        n: sizeOf(y.shape) / 4,
        a: at(a),
        zeroA: numberOf(attributes, 'zeroA'),
        b: at(b),
        zeroB: numberOf(attributes, 'zeroB'),
        scale: at(scale),
        y: at(y),
        ...limitsOf(attributes),
      }),
    ],
    inPlace: () => [0, 1],
  },
  Int8AveragePool: {
    emit: ({ inputs: [x, scale], outputs: [y], attributes }, at) => [
      call(int8AveragePool, {
        ...poolSizes(x, y, attributes),
        x: at(x),
        zeroX: numberOf(attributes, 'zeroX'),
        scale: at(scale),
        y: at(y),
        ...limitsOf(attributes),
      }),
    ],
  },
  Int8MaxPool: {
    emit: ({ inputs: [x], outputs: [y], attributes }, at) => [
      call(int8MaxPool, { ...poolSizes(x, y, attributes), x: at(x), y: at(y) }),
    ],
  },
}
