/**
 * @file Walks over arrays in memory: what moves, repeats or combines numbers is one loop over places and
 * steps.
 */
import { rowMajorStrides, type Shape } from '../../graph/tensor.ts'

/** How an array is walked: by how much its place changes with each axis of the walk, and where it begins. */
export interface Walk {
  strides: readonly number[]
  /** Default 0. */
  offset?: number
}

/** Row-major, from the first number. */
export const inOrder = (shape: Shape): Walk => ({ strides: rowMajorStrides(shape) })

/**
 * As NumPy broadcasts an array of shape `from` to `to`: repeated along axes of size 1 and those that it has
 * not.
 */
export function repeated(from: Shape, to: Shape): Walk {
  const own = rowMajorStrides(from)
  const extra = to.length - from.length
  return { strides: to.map((_, i) => (i < extra || from[i - extra] === 1 ? 0 : own[i - extra])) }
}

/**
 * Visits all places of `shape` in row-major order, in runs of as many as lie evenly in every array: `visit`
 * gets the length of a run and, per array, its first place and the step to the next.
 */
export function eachRun(
  shape: Shape,
  walks: readonly Walk[],
  visit: (length: number, places: readonly number[], steps: readonly number[]) => void,
): void {
  if (shape.includes(0)) return
  const { sizes, strides } = merged(shape, walks)
  const places = walks.map(({ offset = 0 }) => offset)
  const last = sizes.length - 1
  const counts = new Array<number>(last).fill(0)
  for (;;) {
    visit(sizes[last], places, strides[last])
    let axis = last - 1
    for (; axis >= 0; axis--) {
      counts[axis]++
      for (let k = 0; k < places.length; k++) places[k] += strides[axis][k]
      if (counts[axis] < sizes[axis]) break
      for (let k = 0; k < places.length; k++) places[k] -= counts[axis] * strides[axis][k]
      counts[axis] = 0
    }
    if (axis < 0) return
  }
}

/**
 * Axes of which one goes on where the next ends are one, and those of size 1 none; the strides per axis and
 * array.
 */
function merged(shape: Shape, walks: readonly Walk[]): { sizes: number[]; strides: number[][] } {
  const sizes: number[] = []
  const strides: number[][] = []
  shape.forEach((size, axis) => {
    if (size === 1) return
    const steps = walks.map((walk) => walk.strides[axis])
    const before = strides.at(-1)
    if (before && steps.every((step, k) => before[k] === step * size)) {
      sizes[sizes.length - 1] *= size
      strides[strides.length - 1] = steps
    } else {
      sizes.push(size)
      strides.push(steps)
    }
  })
  return sizes.length > 0 ? { sizes, strides } : { sizes: [1], strides: [walks.map(() => 0)] }
}
