/** @file Pooling over windows of one axis to three, and over whole maps. */
import type { Graph } from '../../../graph/graph.ts'
import { abs, mul, sqrt } from '../../../graph/operators/elementwise.ts'
import { reduceMean } from '../../../graph/operators/mean.ts'
import { averagePool, maxPool } from '../../../graph/operators/pooling.ts'
import { pad, reduceSum, reshape } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import type { Value } from '../value.ts'
import { type AxisWindows, maxAlong, sumAlong } from './axis-pooling.ts'
import { overSamples } from './layouts.ts'
import { onPlanes, type Pads, planeWindows, reachOf, type Windows, windowsOf } from './windows.ts'

/** Windows with the places at the end that `ceil_mode` adds, so that nothing of the input is left over. */
interface PoolWindows extends Windows {
  extra: readonly number[]
}

function poolWindows(operation: Operation, { shape }: Tensor): PoolWindows {
  const places = shape.slice(2)
  const windows = windowsOf(operation, operation.required('kernel_shape'), places)
  const reach = reachOf(windows)
  const room = places.map((size, axis) => size + windows.begins[axis] + windows.ends[axis])
  if (reach.some((n, axis) => n > room[axis]))
    throw new UserError(
      `${operation.label}: its windows reach over [${reach}] places, more than the [${room}] that there are with padding`,
    )
  const ceil = operation.integer('ceil_mode', 0) !== 0
  const extra = places.map((size, axis) => {
    const [stride, begin] = [windows.strides[axis], windows.begins[axis]]
    const left = (room[axis] - reach[axis]) % stride
    const outputs = (room[axis] - reach[axis] - left) / stride + 1
    // A window more, if it begins inside the input or the padding before it.
    return ceil && left > 0 && outputs * stride < size + begin ? stride - left : 0
  })
  return { ...windows, extra }
}

/** The windows along one of the axes of places. */
const alongAxis = ({ kernel, strides, dilations, begins, ends, extra }: PoolWindows, axis: number): AxisWindows => ({
  taps: kernel[axis],
  stride: strides[axis],
  dilation: dilations[axis],
  begin: begins[axis],
  end: ends[axis],
  extra: extra[axis],
})

/** Whether the kernels of planes take such windows. */
function onPlane({ kernel, dilations, begins, ends, extra }: PoolWindows): boolean {
  const fits = kernel.every((taps, axis) => begins[axis] < taps && ends[axis] + extra[axis] < taps)
  return kernel.length < 3 && fits && dilations.every((n) => n === 1)
}

/** Padding that has the places in it which `ceil_mode` adds. */
function extended(windows: PoolWindows): Pads {
  const ends = windows.ends.map((n, axis) => n + windows.extra[axis])
  return planeWindows({ ...windows, ends }).pads
}

function largest(graph: Graph, x: Tensor, windows: PoolWindows): Tensor {
  if (!onPlane(windows))
    return windows.kernel.reduceRight((y, _, axis) => maxAlong(graph, y, 2 + axis, alongAxis(windows, axis)), x)
  const { kernel, strides } = planeWindows(windows)
  return onPlanes(graph, x, (planes) => maxPool(graph, planes, { kernel, strides, pads: extended(windows) }))
}

function average(graph: Graph, x: Tensor, windows: PoolWindows, includePad: boolean): Tensor {
  if (!onPlane(windows)) {
    const mean = includePad ? 'includePad' : 'mean'
    return windows.kernel.reduceRight((y, _, axis) => sumAlong(graph, y, 2 + axis, alongAxis(windows, axis), mean), x)
  }
  const { kernel, strides, pads } = planeWindows(windows)
  return onPlanes(graph, x, (planes) => {
    if (!includePad || windows.extra.every((n) => n === 0))
      return averagePool(graph, planes, { kernel, strides, pads: extended(windows), includePad })
    // Zeros of the padding count, what ceil_mode adds does not.
    const [, , down, right] = extended(windows)
    const padded = pad(graph, planes, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]])
    return averagePool(graph, padded, { kernel, strides, pads: [0, 0, down - pads[2], right - pads[3]] })
  })
}

/** (sum |x|^p)^(1/p), for a p of 1 or 2. */
function norm(operation: Operation, x: Tensor, { graph }: Scope, sum: (terms: Tensor) => Tensor): Tensor {
  const p = operation.integer('p', 2)
  if (p !== 1 && p !== 2) throw new Unsupported(`${operation.label}: expected a norm of p 1 or 2, found ${p}`)
  return p === 1 ? sum(abs(graph, x)) : sqrt(graph, sum(mul(graph, x, x)))
}

/** [N, C, ...] over samples. Throws Unsupported where there are no places. */
function mapsOf(operation: Operation, value: Value | undefined, scope: Scope): Tensor {
  const x = overSamples(scope.graph, scope.tensor(value, operation))
  if (x.shape.length < 3) throw new Unsupported(`${operation.label}: expected [N, C, ...], found [${x.shape}]`)
  return x
}

const places = ({ shape }: Tensor) => [...shape.keys()].slice(2)

export const pooling: Record<string, Translator> = {
  MaxPool: (operation, [value], scope) => {
    // Of the places, its second output, which is not computed here.
    operation.ignore('storage_order')
    const x = mapsOf(operation, value, scope)
    return [largest(scope.graph, x, poolWindows(operation, x))]
  },
  AveragePool: (operation, [value], scope) => {
    const x = mapsOf(operation, value, scope)
    const includePad = operation.integer('count_include_pad', 0) === 1
    return [average(scope.graph, x, poolWindows(operation, x), includePad)]
  },
  LpPool: (operation, [value], scope) => {
    const x = mapsOf(operation, value, scope)
    const windows = poolWindows(operation, x)
    const sum = (terms: Tensor) =>
      windows.kernel.reduceRight(
        (y, _, axis) => sumAlong(scope.graph, y, 2 + axis, alongAxis(windows, axis), 'sum'),
        terms,
      )
    return [norm(operation, x, scope, sum)]
  },
  GlobalAveragePool: (operation, [value], scope) => {
    const x = scope.tensor(value, operation)
    return [reduceMean(scope.graph, x, places(x))]
  },
  GlobalMaxPool: (operation, [value], scope) => {
    const x = mapsOf(operation, value, scope)
    const [samples, channels, ...map] = x.shape
    const rows = reshape(scope.graph, x, [samples, channels, 1, sizeOf(map)])
    const y = maxPool(scope.graph, rows, { kernel: [1, sizeOf(map)] })
    return [reshape(scope.graph, y, [samples, channels, ...map.map(() => 1)])]
  },
  GlobalLpPool: (operation, [value], scope) => {
    const x = mapsOf(operation, value, scope)
    return [norm(operation, x, scope, (terms) => reduceSum(scope.graph, terms, places(x)))]
  },
}
