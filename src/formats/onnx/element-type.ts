/** @file Numbers of ONNX's element types: how results are rounded, and which are whole. */
import { type DType, halfToNumber } from '../safetensors-bytes.ts'
import { toHalf } from './half.ts'
import { isFloating } from './tensor.ts'

/** Largest whole number up to which all are exact here. */
const EXACT = 2 ** 53

/**
 * Room for numbers of a type. What is written into it is rounded to single precision, but for doubles and
 * whole numbers.
 */
export const roomFor = (type: DType, size: number): Float32Array | Float64Array =>
  isFloating(type) && type !== 'F64' ? new Float32Array(size) : new Float64Array(size)

/**
 * Makes numbers those of a type, in place: halves are rounded to the nearest, whole numbers lose a fraction
 * and, where they are too large, wrap around as in two's complement. False where one cannot be held exactly
 * here (64-bit integers beyond 2^53, divisions by zero).
 */
export function settle(type: DType, values: Float32Array | Float64Array): boolean {
  if (type === 'F32' || type === 'F64') return true
  const one = type === 'F16' ? nearestHalf : type === 'BF16' ? nearestBfloat : wrapping[type]
  const whole = !isFloating(type)
  for (let i = 0; i < values.length; i++) {
    if (whole && !(Math.abs(values[i]) <= EXACT)) return false
    values[i] = one(values[i])
  }
  return true
}

const nearestHalf = (x: number) => halfToNumber(toHalf(x))

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** The nearest number whose single precision ends in 16 zero bits, the even one of two. */
function nearestBfloat(x: number): number {
  if (Number.isNaN(x)) return x
  float[0] = x
  bits[0] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) & 0xffff0000
  return float[0]
}

const wrapping: Record<Exclude<DType, 'F32' | 'F64' | 'F16' | 'BF16'>, (x: number) => number> = {
  I64: Math.trunc,
  I32: (x) => x | 0,
  I16: (x) => (x << 16) >> 16,
  I8: (x) => (x << 24) >> 24,
  U8: (x) => x & 0xff,
  BOOL: (x) => Number(x !== 0),
}

/** Least and largest of the whole numbers of a type. */
export const limitsOf: Partial<Record<DType, readonly [number, number]>> = {
  I64: [-EXACT, EXACT],
  I32: [-(2 ** 31), 2 ** 31 - 1],
  I16: [-(2 ** 15), 2 ** 15 - 1],
  I8: [-128, 127],
  U8: [0, 255],
}
