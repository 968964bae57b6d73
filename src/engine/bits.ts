/**
 * @file Small real numbers as kernel arguments: arguments are 32-bit integers, so these travel as the bits of
 * a float32.
 */
const floats = new Float32Array(1)
const integers = new Int32Array(floats.buffer)

/** The bits of a float32 that is zero or more, as named arguments are. */
export function floatBits(value: number): number {
  if (!(value >= 0)) throw new Error(`expected a number of 0 or more, found ${value}`)
  return signedFloatBits(value)
}

/** The bits of any float32: negative for negative numbers. */
export function signedFloatBits(value: number): number {
  floats[0] = value
  return integers[0]
}

export function bitsToFloat(bits: number): number {
  integers[0] = bits
  return floats[0]
}
