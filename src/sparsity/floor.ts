/**
 * @file Floors: how many weights every layer keeps at least, so that a ranking over all layers cannot empty
 * one of them (layer collapse).
 */
import { sizeOf } from '../graph/tensor.ts'
import { apportion } from '../select/apportion.ts'
import { UserError } from '../util/errors.ts'
import type { Group, Layer } from './scope.ts'

/** So many weights of every layer, and so large a share of them (0 to 1, rounded up): whichever is more. */
export interface Floor {
  weights: number
  share: number
}

/** `16` (weights) or `1%` (of every layer); undefined for anything else. */
export function parseFloor(text: string | number): Floor | undefined {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(String(text)) ?? []
  const value = Number(number)
  if (percent) return value <= 100 ? { weights: 0, share: value / 100 } : undefined
  return Number.isInteger(value) ? { weights: value, share: 0 } : undefined
}

/** `16`, `1%` or `16 and 1%`. */
export const floorText = ({ weights, share }: Floor): string =>
  [
    ...(weights > 0 || share === 0 ? [weights] : []),
    ...(share > 0 ? [`${Number((100 * share).toPrecision(12))}%`] : []),
  ].join(' and ')

/** The least number of weights that a layer keeps: no more than it has left. */
export function leastOf({ shape, left = sizeOf(shape) }: Layer, floor: Floor | undefined): number {
  return floor ? Math.min(left, Math.max(floor.weights, Math.ceil(floor.share * sizeOf(shape)))) : 0
}

/**
 * The same groups, each with at least the floors of its layers; what a group gets for that is taken from the
 * others, in proportion to what they keep above their own floors. Throws UserError where the floors together
 * are more than all groups keep.
 */
export function raiseToFloor(groups: readonly Group[], floor: Floor): Group[] {
  const least = groups.map(({ layers }) => total(layers.map((layer) => leastOf(layer, floor))))
  const keep = total(groups.map((group) => group.keep))
  if (total(least) > keep)
    throw new UserError(
      `a floor of ${floorText(floor)} in every layer needs ${total(least)} weights, the sparsity keeps ${keep}`,
    )
  const above = groups.map((group, i) => Math.max(0, group.keep - least[i]))
  return apportion(keep - total(least), above, above).map((more, i) => ({ ...groups[i], keep: least[i] + more }))
}

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
