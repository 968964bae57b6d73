/**
 * @file Convolutions over three axes, by those over two: the slices of depth that one output reads are
 * channels of one image, and the images of all outputs lie one below another, with zeros between them.
 * A weight [outputs, inputs, depth, rows, columns] is [outputs, inputs x depth, rows, columns] then, as it
 * lies, and every sample keeps its place.
 */
import type { Graph } from '../../../graph/graph.ts'
import { conv } from '../../../graph/operators/conv.ts'
import { convTranspose } from '../../../graph/operators/conv-transpose.ts'
import { picks, resample, tableOf } from '../../../graph/operators/resample.ts'
import { pad, reshape, slice } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { planeWindows, reachOf, type Windows } from './windows.ts'

/** Rows of zeros before and after, of x [N, C, D, H, W]. */
const padRows = (graph: Graph, x: Tensor, before: number, after: number) =>
  before === 0 && after === 0 ? x : pad(graph, x, [0, 0, 0, before, 0], [0, 0, 0, after, 0])

/** So many rows from one on. */
function rowsOf(graph: Graph, x: Tensor, from: number, count: number): Tensor {
  if (from === 0 && count === x.shape[3]) return x
  return slice(graph, x, [0, 0, 0, from, 0], [...x.shape.slice(0, 3), count, x.shape[4]])
}

/** x [N, C, D, H, W] with a weight [O, C / group x depth, kh, kw]. */
export function convDepth(
  graph: Graph,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  windows: Windows,
  group: number,
): Tensor {
  const [samples, channels, depth, height, width] = x.shape
  const { strides, dilations, pads } = planeWindows(windows)
  const [taps, step, dilation, begin] = [windows.kernel, windows.strides, windows.dilations, windows.begins].map(
    ([first]) => first,
  )
  const [reachDepth, reach] = reachOf(windows)
  const outDepth = Math.floor((depth + begin + windows.ends[0] - reachDepth) / step) + 1
  const padded = height + pads[0] + pads[2]
  const outHeight = Math.floor((padded - reach) / strides[0]) + 1
  const spacing = Math.ceil(padded / strides[0]) * strides[0]
  const read = Array.from({ length: taps }, (_, tap) =>
    Array.from({ length: outDepth }, (_, out) => within(out * step + tap * dilation - begin, depth)),
  )
  const slices = resample(graph, x, 2, picks(depth, read.flat()))
  const images = padRows(
    graph,
    reshape(graph, slices, [samples, channels * taps, outDepth, height, width]),
    pads[0],
    spacing - height - pads[0],
  )
  const column = reshape(graph, images, [samples, channels * taps, outDepth * spacing, width])
  const y = conv(graph, column, weight, bias, {
    strides,
    dilations,
    group,
    // As many outputs as there are rows.
    pads: [0, pads[1], Math.max(0, reach - strides[0]), pads[3]],
  })
  const apart = reshape(graph, y, [samples, y.shape[1], outDepth, spacing / strides[0], y.shape[3]])
  return rowsOf(graph, apart, 0, outHeight)
}

const within = (place: number, size: number) => (place >= 0 && place < size ? place : -1)

/**
 * x [N, C, D, H, W] with a weight [C, O / group x depth, kh, kw], to places `out` = [depth, rows, columns].
 */
export function convTransposeDepth(
  graph: Graph,
  x: Tensor,
  weight: Tensor,
  windows: Windows,
  out: readonly number[],
  group: number,
): Tensor {
  const [samples, channels, depth, height, width] = x.shape
  const { strides, dilations, pads } = planeWindows(windows)
  const [taps, step, dilation, begin] = [windows.kernel, windows.strides, windows.dilations, windows.begins].map(
    ([first]) => first,
  )
  const [, reach] = reachOf(windows)
  const made = Math.max((height - 1) * strides[0] + reach, pads[0] + out[1])
  const spacing = Math.ceil(made / strides[0])
  const column = reshape(graph, padRows(graph, x, 0, spacing - height), [samples, channels, depth * spacing, width])
  const rows = depth * spacing * strides[0]
  const whole = Math.max(rows, (depth * spacing - 1) * strides[0] + reach)
  const maps = weight.shape[1] * group
  const options = { strides, dilations, group, pads: [0, pads[1], 0, pads[3]] as const }
  const y = convTranspose(graph, column, weight, [samples, maps, whole, out[2]], options)
  const cut = whole === rows ? y : slice(graph, y, [0, 0, 0, 0], [samples, maps, rows, out[2]])
  const slices = reshape(graph, cut, [samples, maps / taps, taps * depth, spacing * strides[0], out[2]])
  const sums = Array.from({ length: out[0] }, (_, place) =>
    Array.from({ length: taps }, (_, tap) => [tap, (place + begin - tap * dilation) / step] as const).flatMap(
      ([tap, from]) => (Number.isInteger(from) && within(from, depth) >= 0 ? [[tap * depth + from, 1] as const] : []),
    ),
  )
  return resample(graph, rowsOf(graph, slices, pads[0], out[1]), 2, tableOf(taps * depth, sums))
}
