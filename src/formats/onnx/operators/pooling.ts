/** @file Pooling. */
import type { Graph } from '../../../graph/graph.ts'
import { reduceMean } from '../../../graph/operators/mean.ts'
import { averagePool, maxPool } from '../../../graph/operators/pooling.ts'
import { pad } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { overSamples } from './layouts.ts'
import { onPlanes, type Pads, type Windows, windowsOf } from './windows.ts'

/**
 * Windows with the rows and columns of padding at the end that `ceil_mode` adds, so that nothing of the input
 * is left over.
 */
function poolWindows(operation: Operation, { shape }: Tensor): Windows & { extra: readonly [number, number] } {
  const windows = windowsOf(operation, operation.required('kernel_shape'), shape.slice(2))
  const plane = shape.length === 3 ? [1, shape[2]] : shape.slice(2)
  const ceil = operation.integer('ceil_mode', 0) !== 0
  if (windows.dilations.some((n) => n !== 1))
    throw new Unsupported(`${operation.label}: pooling with dilations is not supported`)
  const { kernel, strides, pads } = windows
  const extra = [0, 1].map((axis) => {
    const left = (plane[axis] + pads[axis] + pads[2 + axis] - kernel[axis]) % strides[axis]
    const outputs = (plane[axis] + pads[axis] + pads[2 + axis] - kernel[axis] - left) / strides[axis] + 1
    // A window more, if it begins inside the input or the padding before it.
    const begins = outputs * strides[axis] < plane[axis] + pads[axis]
    return ceil && left > 0 && begins ? strides[axis] - left : 0
  })
  return { ...windows, extra: [extra[0], extra[1]] }
}

const extended = ([top, left, bottom, right]: Pads, [rows, columns]: readonly [number, number]): Pads => [
  top,
  left,
  bottom + rows,
  right + columns,
]

const average = (graph: Graph, x: Tensor, operation: Operation): Tensor => {
  const { kernel, strides, pads, extra } = poolWindows(operation, x)
  const includePad = operation.integer('count_include_pad', 0) === 1
  return onPlanes(graph, x, (planes) => {
    if (!includePad || extra.every((n) => n === 0))
      return averagePool(graph, planes, { kernel, strides, pads: extended(pads, extra), includePad })
    // Zeros of the padding count, what ceil_mode adds does not.
    const [top, left, bottom, right] = pads
    const padded = pad(graph, planes, [0, 0, top, left], [0, 0, bottom, right])
    return averagePool(graph, padded, { kernel, strides, pads: [0, 0, extra[0], extra[1]] })
  })
}

export const pooling: Record<string, Translator> = {
  MaxPool: (operation, [x], scope) => {
    // Of the places, its second output, which is not computed here.
    operation.ignore('storage_order')
    const tensor = overSamples(scope.graph, scope.tensor(x, operation))
    const { kernel, strides, pads, extra } = poolWindows(operation, tensor)
    const options = { kernel, strides, pads: extended(pads, extra) }
    return [onPlanes(scope.graph, tensor, (planes) => maxPool(scope.graph, planes, options))]
  },
  AveragePool: (operation, [x], scope) => [
    average(scope.graph, overSamples(scope.graph, scope.tensor(x, operation)), operation),
  ],
  GlobalAveragePool: (operation, [x], scope) => {
    const tensor = scope.tensor(x, operation)
    return [reduceMean(scope.graph, tensor, tensor.shape.map((_, i) => i).slice(2))]
  },
  GlobalMaxPool: (operation, [x], scope) => {
    const tensor = overSamples(scope.graph, scope.tensor(x, operation))
    const largest = (planes: Tensor) => maxPool(scope.graph, planes, { kernel: [planes.shape[2], planes.shape[3]] })
    return [onPlanes(scope.graph, tensor, largest)]
  },
}
