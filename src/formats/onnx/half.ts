/** @file Half precision (IEEE 754 binary16). */

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** The bits of the nearest half, the even one of two; beyond 65,504 infinity. */
export function toHalf(value: number): number {
  float[0] = value
  const x = bits[0]
  const sign = (x >>> 16) & 0x8000
  const magnitude = x & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // Below the smallest normal half, 2^-14, halves are multiples of 2^-24.
  if (magnitude < 0x38800000) return sign | even(Math.abs(float[0]) * 2 ** 24)
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}

/** The nearest whole number, the even one of two. */
function even(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
}
