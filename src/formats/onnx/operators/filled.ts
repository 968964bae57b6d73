/** @file What is put where there was nothing: padding, and places outside of an image. */
import { type Shape, sizeOf } from '../../../graph/tensor.ts'

/** The value where the place of any axis is outside, else 0. */
export function filled(shape: Shape, outside: ReadonlyMap<number, readonly boolean[]>, fill: number): Float64Array {
  const result = new Float64Array(sizeOf(shape))
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const out = outside.get(axis)
    if (out) for (let i = 0; i < result.length; i++) if (out[Math.floor(i / stride) % shape[axis]]) result[i] = fill
    stride *= shape[axis]
  }
  return result
}
