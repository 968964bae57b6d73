/**
 * @file What convolutions and pooling share: where their windows lie, over any number of axes. One axis of
 * places is a plane of one row.
 */
import type { Graph } from '../../../graph/graph.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { Unsupported } from '../scope.ts'

export type Pair = readonly [number, number]
export type Pads = readonly [number, number, number, number]

/** Windows over axes of places, one number per axis each. */
export interface Windows {
  kernel: readonly number[]
  strides: readonly number[]
  dilations: readonly number[]
  /** Padding before and after the places. */
  begins: readonly number[]
  ends: readonly number[]
}

/** Windows over [rows, columns], as the kernels of planes take them. */
export interface PlaneWindows {
  kernel: Pair
  strides: Pair
  dilations: Pair
  /** [top, left, bottom, right]. */
  pads: Pads
}

/** The most axes of places that convolutions and pooling have here. */
const MOST_AXES = 3

/** Does something to [N, C, rows, columns], also where x is [N, C, columns]. */
export function onPlanes(graph: Graph, x: Tensor, work: (planes: Tensor) => Tensor): Tensor {
  if (x.shape.length !== 3) return work(x)
  const [samples, channels, columns] = x.shape
  const result = work(reshape(graph, x, [samples, channels, 1, columns]))
  return reshape(graph, result, [samples, result.shape[1], result.shape[3]])
}

/** The last two axes of windows, or the one that there is beside a single row. */
export function planeWindows({ kernel, strides, dilations, begins, ends }: Windows): PlaneWindows {
  const pair = (values: readonly number[], one: number): Pair =>
    values.length === 1 ? [one, values[0]] : [values[values.length - 2], values[values.length - 1]]
  const [[top, left], [bottom, right]] = [pair(begins, 0), pair(ends, 0)]
  return {
    kernel: pair(kernel, 1),
    strides: pair(strides, 1),
    dilations: pair(dilations, 1),
    pads: [top, left, bottom, right],
  }
}

/** How far a window reaches along each axis. */
export const reachOf = ({ kernel, dilations }: Pick<Windows, 'kernel' | 'dilations'>): number[] =>
  kernel.map((taps, axis) => dilations[axis] * (taps - 1) + 1)

/** A list of a node, one number per axis. Throws Unsupported where it is none such. */
export function listOf(operation: Operation, name: string, length: number, least: number): number[] {
  const values = operation.integers(name) ?? Array<number>(length).fill(least)
  if (values.length !== length || values.some((n) => !(n >= least)))
    throw new Unsupported(`${operation.label}: expected ${length} ${name} of at least ${least}, found [${values}]`)
  return values
}

/** The `auto_pad` of a node. Throws where there is none such, or pads beside it. */
export function autoPadOf(operation: Operation, pads: readonly number[]) {
  const auto = operation.text('auto_pad', 'NOTSET')
  if (auto !== 'NOTSET' && auto !== 'VALID' && auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER')
    throw new UserError(`${operation.label}: expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, found ${auto}`)
  if (auto !== 'NOTSET' && pads.some((n) => n > 0))
    throw new Unsupported(`${operation.label}: it has both auto_pad ${auto} and pads [${pads}]`)
  return auto
}

/** Throws Unsupported where windows are not over as many axes as there are, one to three. */
export function checkAxes(operation: Operation, kernel: readonly number[], places: readonly number[]): void {
  if (kernel.length !== places.length || kernel.length < 1 || kernel.length > MOST_AXES)
    throw new Unsupported(
      `${operation.label}: expected windows over one to ${MOST_AXES} axes, found windows of [${kernel}] over [${places}]`,
    )
}

/** The windows of a node over an input's places, with `auto_pad` worked out. */
export function windowsOf(operation: Operation, kernel: readonly number[], places: readonly number[]): Windows {
  checkAxes(operation, kernel, places)
  const axes = kernel.length
  const [strides, dilations] = [listOf(operation, 'strides', axes, 1), listOf(operation, 'dilations', axes, 1)]
  const given = listOf(operation, 'pads', 2 * axes, 0)
  const auto = autoPadOf(operation, given)
  const windows = { kernel, strides, dilations }
  if (auto === 'NOTSET') return { ...windows, begins: given.slice(0, axes), ends: given.slice(axes) }
  const reach = reachOf(windows)
  const total = places.map((size, axis) => {
    if (auto === 'VALID') return 0
    return Math.max(0, (Math.ceil(size / strides[axis]) - 1) * strides[axis] + reach[axis] - size)
  })
  return { ...windows, ...divided(total, auto === 'SAME_LOWER') }
}

/**
 * Padding cut into that before and that after; of an odd number, the larger half goes to the end, or
 * `before`.
 */
export function divided(total: readonly number[], before: boolean): Pick<Windows, 'begins' | 'ends'> {
  const begins = total.map((n) => (before ? n - Math.floor(n / 2) : Math.floor(n / 2)))
  return { begins, ends: total.map((n, axis) => n - begins[axis]) }
}
