/**
 * @file What convolutions and pooling share: where their windows lie. One axis of places is a plane of one
 * row.
 */
import type { Graph } from '../../../graph/graph.ts'
import { reshape } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { Unsupported } from '../scope.ts'

export type Pair = readonly [number, number]
export type Pads = readonly [number, number, number, number]

export interface Windows {
  kernel: Pair
  strides: Pair
  dilations: Pair
  /** [top, left, bottom, right]. */
  pads: Pads
}

/** Does something to [N, C, rows, columns], also where x is [N, C, columns]. */
export function onPlanes(graph: Graph, x: Tensor, work: (planes: Tensor) => Tensor): Tensor {
  if (x.shape.length !== 3) return work(x)
  const [samples, channels, columns] = x.shape
  const result = work(reshape(graph, x, [samples, channels, 1, columns]))
  return reshape(graph, result, [samples, result.shape[1], result.shape[3]])
}

/** The windows of a node over [rows, columns] or [columns], with `auto_pad` worked out. */
export function windowsOf(operation: Operation, kernel: readonly number[], places: readonly number[]): Windows {
  const axes = kernel.length
  if (axes !== places.length || (axes !== 1 && axes !== 2))
    throw new Unsupported(
      `${operation.label}: expected windows over one axis or two, found windows of [${kernel}] over [${places}]`,
    )
  const list = (name: string, length: number, least: number) => {
    const values = operation.integers(name) ?? Array<number>(length).fill(least)
    if (values.length !== length || values.some((n) => !(n >= least)))
      throw new Unsupported(`${operation.label}: expected ${length} ${name} of at least ${least}, found [${values}]`)
    return values
  }
  const pair = (values: readonly number[]): Pair => (axes === 1 ? [1, values[0]] : [values[0], values[1]])
  const [strides, dilations] = [pair(list('strides', axes, 1)), pair(list('dilations', axes, 1))]
  const given = list('pads', 2 * axes, 0)
  const auto = operation.text('auto_pad', 'NOTSET')
  if (auto !== 'NOTSET' && given.some((n) => n > 0))
    throw new Unsupported(`${operation.label}: it has both auto_pad ${auto} and pads [${given}]`)
  const [size, plane] = [pair(kernel), pair(places)]
  const [top, left, bottom, right] = axes === 1 ? [0, given[0], 0, given[1]] : given
  const pads: Pads =
    auto === 'NOTSET'
      ? [top, left, bottom, right]
      : autoPads(operation, auto, { kernel: size, strides, dilations, plane })
  return { kernel: size, strides, dilations, pads }
}

/**
 * SAME: as many outputs as inputs divided by the stride, rounded up; an odd one of the pads goes to the end
 * (UPPER) or the beginning (LOWER).
 */
function autoPads(
  operation: Operation,
  auto: string,
  {
    kernel,
    strides,
    dilations,
    plane,
  }: { kernel: readonly number[]; strides: Pair; dilations: Pair; plane: readonly number[] },
): Pads {
  if (auto === 'VALID') return [0, 0, 0, 0]
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER')
    throw new UserError(`${operation.label}: expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, found ${auto}`)
  const ends = [0, 1].map((axis) => {
    const outputs = Math.ceil(plane[axis] / strides[axis])
    const reach = dilations[axis] * (kernel[axis] - 1) + 1
    const total = Math.max(0, (outputs - 1) * strides[axis] + reach - plane[axis])
    const less = Math.floor(total / 2)
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less]
  })
  return [ends[0][0], ends[1][0], ends[0][1], ends[1][1]]
}
