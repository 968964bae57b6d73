/** @file What convolutions and pooling share: where their windows lie. */
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

/** The windows of a node over a plane of [rows, columns], with `auto_pad` worked out. */
export function windowsOf(operation: Operation, kernel: readonly number[], plane: readonly number[]): Windows {
  if (kernel.length !== 2 || plane.length !== 2)
    throw new Unsupported(`${operation.label}: only windows over rows and columns are supported, found [${kernel}]`)
  const pair = (name: string): Pair => {
    const values = operation.integers(name) ?? [1, 1]
    if (values.length !== 2 || values.some((n) => !(n >= 1)))
      throw new UserError(`${operation.label}: expected two ${name} of at least 1, found [${values}]`)
    return [values[0], values[1]]
  }
  const [strides, dilations] = [pair('strides'), pair('dilations')]
  const auto = operation.text('auto_pad', 'NOTSET')
  const given = operation.integers('pads') ?? [0, 0, 0, 0]
  if (given.length !== 4 || given.some((n) => !(n >= 0)))
    throw new Unsupported(`${operation.label}: expected four pads of at least 0, found [${given}]`)
  const pads = auto === 'NOTSET' ? given : autoPads(operation, auto, { kernel, strides, dilations, plane })
  return { kernel: [kernel[0], kernel[1]], strides, dilations, pads: pads as unknown as Pads }
}

/** SAME: as many outputs as inputs divided by the stride, rounded up; an odd one of the pads goes to the end (UPPER) or the beginning (LOWER). */
function autoPads(
  operation: Operation,
  auto: string,
  {
    kernel,
    strides,
    dilations,
    plane,
  }: { kernel: readonly number[]; strides: Pair; dilations: Pair; plane: readonly number[] },
): number[] {
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
