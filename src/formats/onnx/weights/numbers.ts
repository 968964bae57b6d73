/**
 * @file Stored numbers under a shape, and how operators that only move elements move them: known by where
 * each element comes from.
 */
import { sizeOf } from '../../../graph/tensor.ts'

export interface Numbers {
  shape: readonly number[]
  /** Row-major. */
  values: Float32Array | Float64Array
}

/** The most elements that are computed. */
const MOST = 2 ** 28

/** The shape of what a node makes of a tensor whose elements it only moves or repeats. */
export interface Movement {
  shape: readonly number[]
  /**
   * Per element of the result its place in the tensor, or -1 where it comes from elsewhere. Absent: all stay
   * in their order.
   */
  from?(): Int32Array
}

export const isBounded = (shape: readonly number[]): boolean => sizeOf(shape) <= MOST

/** Row-major distances between neighbours along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1)
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1]
  return strides
}

/**
 * Places that are sums of one number per axis, for all indices, row-major; -1 where one of the numbers is
 * negative.
 */
export function placesOfSums(lists: readonly (readonly number[])[]): Int32Array {
  let places = Int32Array.of(0)
  for (const list of lists) {
    if (list.length === 1 && list[0] === 0) continue
    const next = new Int32Array(places.length * list.length)
    let at = 0
    for (let i = 0; i < places.length; i++)
      for (let k = 0; k < list.length; k++) next[at++] = places[i] < 0 || list[k] < 0 ? -1 : places[i] + list[k]
    places = next
  }
  return places
}

/**
 * A movement along each axis of its own, to a result of these lengths: `index` says which index along an axis
 * of the tensor one of the result comes from, negative for none.
 */
export function alongAxes(
  from: readonly number[],
  lengths: readonly number[],
  index: (axis: number, i: number) => number,
): Movement {
  const strides = stridesOf(from)
  const list = (length: number, axis: number) =>
    upTo(length).map((i) => (index(axis, i) < 0 ? -1 : index(axis, i) * strides[axis]))
  return { shape: lengths, from: () => placesOfSums(lengths.map(list)) }
}

export const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i)

/** The shape of two that are broadcast together; undefined where they cannot be. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const size = (shape: readonly number[], i: number) => shape[shape.length - rank + i] ?? 1
  const shape = Array.from({ length: rank }, (_, i) => (size(a, i) === 1 ? size(b, i) : size(a, i)))
  return shape.every((n, i) => [1, n].includes(size(a, i)) && [1, n].includes(size(b, i))) ? shape : undefined
}

/** A tensor repeated to a shape that it can be broadcast to. */
export function spread(from: readonly number[], shape: readonly number[]): Movement {
  if (sizeOf(from) === sizeOf(shape)) return { shape }
  const missing = shape.length - from.length
  const padded = [...new Array<number>(Math.max(0, missing)).fill(1), ...from]
  return alongAxes(padded, shape, (axis, i) => (padded[axis] > 1 ? i : 0))
}

/** The numbers where they are moved to; what comes from elsewhere is `fill`. */
export function moved({ values }: Numbers, { shape, from }: Movement, fill = 0): Numbers {
  if (!from) return { shape, values }
  const places = from()
  const result = values instanceof Float64Array ? new Float64Array(places.length) : new Float32Array(places.length)
  for (let i = 0; i < places.length; i++) result[i] = places[i] < 0 ? fill : values[places[i]]
  return { shape, values: result }
}
