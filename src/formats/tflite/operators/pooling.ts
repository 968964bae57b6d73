/** @file Pooling over windows of maps, and what is computed of all values along axes. */
import { attribute, type Node } from '../../../graph/operator.ts'
import type { Shape } from '../../../graph/tensor.ts'
import { asIs, CHANNELS_LAST } from '../order.ts'
import type { AxisWindows } from '../padding.ts'
import type { OperatorName } from '../schema.ts'
import type { Translation, Write } from '../translation.ts'
import { paddedFor, windowsOf } from './windows.ts'

/** What is less than any float that matters: padding that is never the largest. */
const LEAST = -3.4028234663852886e38

function pooled({ inputs: [x], outputs: [y], attributes }: Node) {
  const [reach, strides, pads] = ['kernel_shape', 'strides', 'pads'].map((name) =>
    attribute<Shape>(attributes, name, []),
  )
  const options = { stride_h: strides[0], stride_w: strides[1], filter_height: reach[0], filter_width: reach[1] }
  return { windows: windowsOf(x.shape, y.shape, { reach, strides, pads }), options }
}

const maxPool: Write = (node, to) => {
  const { windows, options } = pooled(node)
  const [y, places] = node.outputs
  if (places && (to.readersOf(places).length > 0 || to.isOutput(places)))
    to.refuse(node, 'gives the places of the largest values, which TensorFlow Lite has no operator for')
  const value = isAboveZero(node, to) ? 0 : LEAST
  const { index, grid, padding } = paddedFor(to, node.inputs[0], windows, value, { whole: true })
  to.output(y, CHANNELS_LAST, 'MAX_POOL_2D', [index], { padding, ...options }, { grid })
}

/** Whether what is pooled is never below 0, so that zeros around it change nothing. */
function isAboveZero({ inputs: [x] }: Node, { graph, known }: Translation): boolean {
  const maker = graph.nodes.find(({ outputs }) => outputs[0] === x)
  if (maker?.operator.name === 'Clip') return Number(known.get(maker.inputs[1])) >= 0
  return ['Relu', 'Sigmoid', 'Softmax', 'Abs'].includes(maker?.operator.name ?? '')
}

/** The operator does not count padding of its own; other padding it does, and then the mean is set right. */
const averagePool: Write = (node, to) => {
  const { windows, options } = pooled(node)
  const {
    inputs: [x],
    outputs: [y],
  } = node
  const counts = attribute<number>(node.attributes, 'count_include_pad', 0) !== 0
  const { index, padding, padded } = paddedFor(to, x, windows, 0, { same: !counts })
  if (counts || !padded) return to.output(y, CHANNELS_LAST, 'AVERAGE_POOL_2D', [index], { padding, ...options })
  const [rows, columns] = windows.map(shares)
  const [n, c, height, width] = y.shape
  const mean = to.between(`${y.name} (with zeros)`, [n, height, width, c])
  to.file.apply('AVERAGE_POOL_2D', [index], mean, { padding, ...options })
  const factors = Float32Array.from(rows.flatMap((row) => columns.map((column) => 1 / (row * column))))
  to.output(y, CHANNELS_LAST, 'MUL', [mean, to.store(`${y.name} (shares)`, [1, height, width, 1], factors)])
}

/** Of each window along an axis, the share of its places that lie on the map. */
function shares({ size, reach, stride, before, count }: AxisWindows): number[] {
  return Array.from({ length: count }, (_, i) => {
    const start = i * stride - before
    return (Math.min(size, start + reach) - Math.max(0, start)) / reach
  })
}

const reduction =
  (name: OperatorName & ('MEAN' | 'SUM' | 'REDUCE_MAX' | 'REDUCE_MIN' | 'REDUCE_PROD')): Write =>
  (node, to) => {
    const {
      inputs: [x],
      outputs: [y],
      attributes,
    } = node
    const axes = attribute<Shape>(attributes, 'axes', [])
    const keeps = attribute<number>(attributes, 'keepdims', 1) !== 0
    const order = to.orderOf(x)
    const places = axes.map((axis) => order.indexOf(axis)).sort((a, b) => a - b)
    // The axes that stay, counted anew where the others are gone.
    const left = order.filter((axis) => !axes.includes(axis))
    const counted = left.map((axis) => axis - axes.filter((gone) => gone < axis).length)
    const result = keeps ? order : counted.length > 0 ? counted : asIs(0)
    const lists = to.file.integers(places)
    const rounded = name === 'MEAN' && to.gridOf(x) ? to.roundedBy(node) : undefined
    if (rounded) to.outputCodes(rounded, result, name, [to.lying(x, order).index, lists], { keep_dims: keeps })
    else to.output(y, result, name, [to.input(x, order), lists], { keep_dims: keeps })
  }

/** Along the last axis in memory. */
const softmax: Write = ({ inputs: [x], outputs: [y], attributes }, to) => {
  const axis = attribute(attributes, 'axis', x.shape.length - 1)
  const order = [...to.orderOf(x).filter((other) => other !== axis), axis]
  to.output(y, order, 'SOFTMAX', [to.input(x, order)], { beta: 1 })
}

export const pooling: Record<string, Write> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  ReduceMean: reduction('MEAN'),
  ReduceSum: reduction('SUM'),
  ReduceMax: reduction('REDUCE_MAX'),
  ReduceMin: reduction('REDUCE_MIN'),
  ReduceProd: reduction('REDUCE_PROD'),
  Softmax: softmax,
}
