/** @file Convolutions: dense and grouped ones, depthwise ones, transposed ones; maps lie as [N, H, W, C]. */
import type { Node } from '../../../graph/operator.ts'
import { convOptions } from '../../../graph/operators/conv.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { CHANNELS_LAST, type Order, reordered, shapeIn } from '../order.ts'
import { isEncoded } from '../skips.ts'
import type { Translation, Write } from '../translation.ts'
import { storeEncoded } from '../weights.ts'
import { storedBytes, wholeLayer } from './whole.ts'
import { paddedFor, windowsOf } from './windows.ts'

/** Weights of ours are [outputs, inputs / groups, rows, columns]. */
const DENSE: Order = CHANNELS_LAST
/** [1, rows, columns, outputs]. */
const DEPTHWISE: Order = [1, 2, 3, 0]

const conv: Write = (node, to) => {
  const {
    inputs: [x, weight, bias],
    outputs: [y],
  } = node
  const { strides, pads, dilations, group } = convOptions('Conv', node.attributes)
  const reach = dilations.map((dilation, axis) => dilation * (weight.shape[2 + axis] - 1) + 1)
  // Behind SAME with a stride XNNPACK skips no zeros: behind padding by an operator of its own it does.
  const same = !(to.encodes && strides.some((n) => n > 1))
  const windows = windowsOf(x.shape, y.shape, { reach, strides, pads })
  const depthwise = group > 1 && group === x.shape[1]
  const order = depthwise ? DEPTHWISE : DENSE
  const whole = wholeLayer(node, to, order, 0)
  const { index, padding } = paddedFor(to, x, windows, 0, { same, whole: whole !== undefined })
  const parts = whole ? whole.inputs : [weightsIn(node, to, order), biasOf(node, to, weight.shape[0], bias)]
  const inputs = [index, ...parts]
  const options = {
    padding,
    stride_h: strides[0],
    stride_w: strides[1],
    dilation_h_factor: dilations[0],
    dilation_w_factor: dilations[1],
  }
  if (depthwise) {
    const all = { ...options, depth_multiplier: y.shape[1] / group }
    const version = dilations.some((n) => n > 1) ? 2 : 1
    if (whole) return to.outputCodes(whole.rounded, CHANNELS_LAST, 'DEPTHWISE_CONV_2D', inputs, all, 3)
    return to.output(y, CHANNELS_LAST, 'DEPTHWISE_CONV_2D', inputs, all, { version })
  }
  const version = group > 1 ? 6 : 1
  if (whole) return to.outputCodes(whole.rounded, CHANNELS_LAST, 'CONV_2D', inputs, options, Math.max(3, version))
  to.output(y, CHANNELS_LAST, 'CONV_2D', inputs, options, { version })
}

/** The weights of a convolution: encoded where it is one of those that skip zeros, and has enough of them. */
function weightsIn(node: Node, to: Translation, order: Order): number {
  const [, weight] = node.inputs
  const { name, shape } = weight
  const values = reordered(to.valuesOf(weight, node, 'weight'), shape, order)
  const sizes = shapeIn(shape, order)
  if (isEncoded(node, values)) return storeEncoded(to.file, name, sizes, values, to.form)
  return storedBytes(node, to, order) ?? to.store(name, sizes, values)
}

/** A bias that is there, or zeros: operators of older runtimes do not do without. */
export function biasOf(node: Node, to: Translation, outputs: number, bias: Tensor | undefined): number {
  if (!bias) return to.store(`${node.outputs[0].name} (bias)`, [outputs], new Float32Array(outputs))
  return to.input(bias)
}

/**
 * All places that the kernels reach, of which those within the padding are then left out; where the result
 * ends beyond the last one, zeros follow.
 */
const convTranspose: Write = (node, to) => {
  const {
    inputs: [x, weight],
    outputs: [y],
  } = node
  const { strides, pads, dilations, group } = convOptions('ConvTranspose', node.attributes)
  if (group > 1 || dilations.some((n) => n > 1))
    to.refuse(node, 'has groups or dilations, which a transposed convolution of TensorFlow Lite has not')
  const { name, shape } = weight
  const order: Order = [1, 2, 3, 0]
  const values = reordered(to.valuesOf(weight, node, 'weight'), shape, order)
  const stored = to.store(name, shapeIn(shape, order), values)
  const reached = [0, 1].map((axis) => (x.shape[2 + axis] - 1) * strides[axis] + shape[2 + axis])
  const [rows, columns] = [0, 1].map((axis) => Math.max(reached[axis], pads[axis] + y.shape[2 + axis]))
  const whole = [y.shape[0], ...reached, y.shape[1]]
  const options = { padding: 1, stride_h: strides[0], stride_w: strides[1] }
  const inputs = [to.file.integers(whole), stored, to.input(x, CHANNELS_LAST)]
  let result = to.file.apply('TRANSPOSE_CONV', inputs, to.between(`${y.name} (whole)`, whole), options)
  if (rows > reached[0] || columns > reached[1]) {
    const after = to.file.integers([0, 0, 0, rows - reached[0], 0, columns - reached[1], 0, 0], [4, 2])
    const larger = to.between(`${y.name} (larger)`, [whole[0], rows, columns, whole[3]])
    result = to.file.apply('PAD', [result, after], larger)
  }
  const [starts, steps] = [
    [0, pads[0], pads[1], 0],
    [1, 1, 1, 1],
  ]
  const ends = shapeIn(y.shape, CHANNELS_LAST).map((size, axis) => size + starts[axis])
  const lists = [starts, ends, steps].map((numbers) => to.file.integers(numbers))
  to.output(y, CHANNELS_LAST, 'STRIDED_SLICE', [result, ...lists])
}

export const convolutions: Record<string, Write> = { Conv: conv, ConvTranspose: convTranspose }
