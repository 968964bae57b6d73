/**
 * @file Small real numbers as kernel arguments: arguments are 32-bit integers, so these travel as the bits of
 * a float32.
 */
const floats = new Float32Array(1)
const integers = new Int32Array(floats.buffer)

/** The bits of a float32 that is zero or more. */
export function floatBits(value: number): number {
  if (!(value >= 0)) throw new Error(`expected a number of 0 or more, found ${value}`)
  floats[0] = value
  return integers[0]
}

export function bitsToFloat(bits: number): number {
  integers[0] = bits
  return floats[0]
}
