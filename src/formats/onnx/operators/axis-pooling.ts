/**
 * @file Pooling over one axis of [N, C, ...]: over several axes it is one after the other, since the largest
 * of largest values is the largest, and windows of means have as many places along an axis wherever they are
 * along the others.
 */
import type { Graph } from '../../../graph/graph.ts'
import { maxPool } from '../../../graph/operators/pooling.ts'
import { picks, resample, tableOf } from '../../../graph/operators/resample.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'

export interface AxisWindows {
  taps: number
  stride: number
  dilation: number
  /** Padding before and after the places, and what `ceil_mode` adds after that. */
  begin: number
  end: number
  extra: number
}

/** Places that every window has of `size`, those outside of it included. */
function windowPlaces(size: number, { taps, stride, dilation, begin, end, extra }: AxisWindows): number[][] {
  const count = Math.floor((size + begin + end + extra - dilation * (taps - 1) - 1) / stride) + 1
  return Array.from({ length: count }, (_, out) =>
    Array.from({ length: taps }, (_, tap) => out * stride + tap * dilation - begin),
  )
}

/** The largest value of every window along an axis. */
export function maxAlong(graph: Graph, x: Tensor, axis: number, windows: AxisWindows): Tensor {
  const { taps, stride, dilation, begin, end, extra } = windows
  const size = x.shape[axis]
  if (taps === 1 && stride === 1 && begin + end + extra === 0) return x
  const [before, after] = [sizeOf(x.shape.slice(1, axis)), sizeOf(x.shape.slice(axis + 1))]
  const shaped = (y: Tensor, count: number) =>
    reshape(
      graph,
      y,
      x.shape.map((n, i) => (i === axis ? count : n)),
    )
  const columns = (y: Tensor, count: number) => reshape(graph, y, [x.shape[0], before, count, after])
  if (dilation === 1 && begin < taps && end + extra < taps) {
    const options = { kernel: [taps, 1], strides: [stride, 1], pads: [begin, 0, end + extra, 0] } as const
    const y = maxPool(graph, columns(x, size), options)
    return shaped(y, y.shape[2])
  }
  // A window that lies partly outside has one of its own places more often instead.
  const places = windowPlaces(size, windows).map((window) => {
    const inside = window.find((place) => place >= 0 && place < size) ?? 0
    return window.map((place) => (place >= 0 && place < size ? place : inside))
  })
  const apart = resample(graph, x, axis, picks(size, places.flat()))
  const y = maxPool(graph, columns(apart, places.length * taps), { kernel: [taps, 1] })
  return shaped(y, places.length)
}

/**
 * The sum of every window along an axis, or its mean over the places that are there, or (`includePad`) over
 * those of the padding, too, but for what `ceil_mode` adds.
 */
export function sumAlong(
  graph: Graph,
  x: Tensor,
  axis: number,
  windows: AxisWindows,
  mean: 'sum' | 'mean' | 'includePad',
): Tensor {
  const size = x.shape[axis]
  const rows = windowPlaces(size, windows).map((window) => {
    const inside = window.filter((place) => place >= 0 && place < size)
    const counted = mean === 'includePad' ? window.filter((place) => place < size + windows.end) : inside
    const weight = mean === 'sum' ? 1 : 1 / counted.length
    return inside.map((place) => [place, weight] as const)
  })
  return resample(graph, x, axis, tableOf(size, rows))
}
