/** @file Operations on vectors in TypeScript. Sums are taken in float64 and in a fixed order. */

export type Vector = Float32Array | Float64Array

/** The sum of a[i] b[i], taken as four partial sums, which the processor can overlap. */
export function dot(a: Vector, b: Vector): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  const n = a.length & ~3
  let i = 0
  for (; i < n; i += 4) {
    s0 += a[i] * b[i]
    s1 += a[i + 1] * b[i + 1]
    s2 += a[i + 2] * b[i + 2]
    s3 += a[i + 3] * b[i + 3]
  }
  for (; i < a.length; i++) s0 += a[i] * b[i]
  return s0 + s1 + (s2 + s3)
}

/** Adds scale x[i] to every y[i]. */
export function addScaled(y: Float64Array, x: Vector, scale: number): void {
  for (let i = 0; i < y.length; i++) y[i] += scale * x[i]
}

/** The Euclidean norm. */
export const norm = (x: Vector): number => Math.sqrt(dot(x, x))
