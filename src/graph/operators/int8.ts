/**
 * @file Operators on maps of bytes, which take the place of dequantized ones in networks that only infer (see
 * src/infer/int8), so they have no gradient rules. A map of bytes stands for real numbers (q - zero) scale;
 * its channels are filled up to a multiple of four: [N, channels, ...] of real numbers is [N, 4 ceil(channels
 * / 4), ...].
 *
 * Attributes of results: `zero`, their zero point, and `low` and `high`, the least and the largest byte that
 * they take; of a convolution also `toFloat`: it gives real numbers instead.
 */
import { type Attributes, attribute, check, type Operator } from '../operator.ts'
import { describe, type Shape, type Tensor } from '../tensor.ts'
import { Conv } from './conv.ts'
import { AveragePool, MaxPool } from './pooling.ts'

/** The shape of bytes that real numbers [N, channels, ...] have. */
export const filled = ([samples, channels, ...rest]: Shape): Shape => [samples, 4 * Math.ceil(channels / 4), ...rest]

const bytes = (shape: Shape) => ({ shape: filled(shape), batched: true, bytes: true })

function checkBytes(operator: string, x: Tensor): void {
  check(x.bytes === true && x.batched, operator, () => `expected batched bytes, found ${describe(x)}`)
}

/** Inputs x [N, C, ...] and its scale []; attribute `zero`. */
export const Quantize: Operator = {
  name: 'Quantize',
  infer: ([x]) => {
    check(x.batched && x.shape.length > 1, 'Quantize', () => `expected samples with channels, found ${describe(x)}`)
    return [bytes(x.shape)]
  },
}

/** Inputs bytes and their scale []; attributes `zero` and `shape`, that of the real numbers. */
export const Dequantize: Operator = {
  name: 'Dequantize',
  infer: ([x], attributes) => {
    checkBytes('Dequantize', x)
    return [{ shape: attribute<Shape>(attributes, 'shape', []), batched: true }]
  },
}

function convolved(operator: string, x: Tensor, attributes: Attributes) {
  checkBytes(operator, x)
  const { weight, strides, pads, dilations, group } = attributes
  const kernel = attribute<Shape>(attributes, 'weight', [])
  const [out, inputs] = kernel
  const channels = inputs * Number(group ?? 1)
  check(filled([1, channels])[1] === x.shape[1], operator, () => `${describe(x)} does not fit a weight [${weight}]`)
  const real = kernel.length === 2 ? [x.shape[0], out] : planes()
  return [attributes.toFloat === 1 ? { shape: real, batched: true } : bytes(real)]

  function planes(): Shape {
    const options = { strides, pads, dilations, group }
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Attributes
    const [samples, , ...map] = x.shape
    const [{ shape }] = Conv.infer(
      [
        { ...x, shape: [samples, channels, ...map] },
        { ...x, shape: kernel },
      ],
      given,
    )
    return shape
  }
}

/**
 * Inputs x, weights as src/engine/int8-weights.ts packs them, offset (32-bit integers) and scale of each
 * output; attributes of Conv, `weight` (the shape of the weight as a whole, [out, in] or [out, in, kh, kw]),
 * `border`, the byte of what lies beside the map, and those of results.
 */
export const Int8Conv: Operator = {
  name: 'Int8Conv',
  infer: ([x], attributes) => convolved('Int8Conv', x, attributes),
}

/** The same with values, starts and places of groups in the place of weights. */
export const Int8SparseConv: Operator = {
  name: 'Int8SparseConv',
  infer: ([x], attributes) => convolved('Int8SparseConv', x, attributes),
}

/** Inputs a and b of one shape, and scale [2]; attributes `zeroA`, `zeroB` and those of results. */
export const Int8Add: Operator = {
  name: 'Int8Add',
  infer: ([a, b]) => {
    checkBytes('Int8Add', a)
    const same = String(a.shape) === String(b.shape) && b.bytes === true
    check(same, 'Int8Add', () => `expected equal shapes of bytes, found ${describe(a)} and ${describe(b)}`)
    return [bytes(a.shape)]
  },
}

/** Inputs x and scale []; attributes of AveragePool, without padding, `zeroX` and those of results. */
export const Int8AveragePool: Operator = {
  name: 'Int8AveragePool',
  infer: ([x], attributes) => {
    checkBytes('Int8AveragePool', x)
    const { kernel_shape, strides, pads } = attributes
    return [bytes(AveragePool.infer([x], { kernel_shape, strides, pads })[0].shape)]
  },
}

/** Attributes of MaxPool. */
export const Int8MaxPool: Operator = {
  name: 'Int8MaxPool',
  infer: ([x], attributes) => {
    checkBytes('Int8MaxPool', x)
    return [bytes(MaxPool.infer([x], attributes)[0].shape)]
  },
}
