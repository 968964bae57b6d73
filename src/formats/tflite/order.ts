/**
 * @file In what order the axes of a tensor lie in a TensorFlow Lite file: axis k there is axis order[k] of
 * ours. Maps of images are [N, C, H, W] here and lie there as [N, H, W, C].
 */
import { rowMajorStrides, type Shape, sizeOf } from '../../graph/tensor.ts'

export type Order = readonly number[]

/** That of [N, H, W, C]. */
export const CHANNELS_LAST: Order = [0, 2, 3, 1]

/** All axes as they are. */
export const asIs = (rank: number): Order => Array.from({ length: rank }, (_, axis) => axis)

export const sameOrder = (a: Order, b: Order): boolean => String(a) === String(b)

export const shapeIn = (shape: Shape, order: Order): number[] => order.map((axis) => shape[axis])

/** Whether elements lie in the same sequence in both orders: axes of size 1 may be anywhere. */
export function sameSequence(shape: Shape, a: Order, b: Order): boolean {
  const long = (order: Order) => order.filter((axis) => shape[axis] > 1)
  return sameOrder(long(a), long(b))
}

/** The permutation that takes what lies in one order to another. */
export const between = (from: Order, to: Order): number[] => to.map((axis) => from.indexOf(axis))

/** Values of a shape, row-major, in another order of its axes. */
export function reordered(values: ArrayLike<number>, shape: Shape, order: Order): Float32Array {
  const result = new Float32Array(sizeOf(shape))
  if (sameSequence(shape, order, asIs(shape.length))) {
    result.set(values)
    return result
  }
  const strides = rowMajorStrides(shape)
  const [sizes, steps] = [shapeIn(shape, order), order.map((axis) => strides[axis])]
  const place = sizes.map(() => 0)
  let from = 0
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from]
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]
      if (++place[axis] < sizes[axis]) break
      from -= steps[axis] * sizes[axis]
      place[axis] = 0
    }
  }
  return result
}

/** Axes of one shape that become axes of another, row-major, as groups of as many elements. */
interface Group {
  from: number[]
  to: number[]
}

/** The smallest groups of neighbouring axes that a change of shape maps to one another; none of size 1. */
export function groupsOf(before: Shape, after: Shape): Group[] {
  const groups: Group[] = []
  const axes = (shape: Shape) => asIs(shape.length).filter((axis) => shape[axis] > 1)
  const [left, right] = [axes(before), axes(after)]
  while (left.length > 0) {
    const group: Group = { from: [left.shift()!], to: [right.shift()!] }
    let [a, b] = [before[group.from[0]], after[group.to[0]]]
    while (a !== b) {
      const [list, rest, shape] = a < b ? [group.from, left, before] : [group.to, right, after]
      const axis = rest.shift()!
      list.push(axis)
      if (a < b) a *= shape[axis]
      else b *= shape[axis]
    }
    groups.push(group)
  }
  return groups
}

/** An order with axes of size 1, which may lie anywhere, where they lie row-major if they can. */
export function withOnes(long: readonly number[], rank: number): Order {
  if (long.every((axis, i) => i === 0 || axis > long[i - 1])) return asIs(rank)
  const order = [...long]
  for (let axis = 0; axis < rank; axis++)
    if (!order.includes(axis)) order.splice(axis === 0 ? 0 : order.indexOf(axis - 1) + 1, 0, axis)
  return order
}
