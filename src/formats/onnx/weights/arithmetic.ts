/**
 * @file Arithmetic on stored numbers, as operators do it element by element: what masks, scales and folded
 * normalizations come to.
 */
import { sizeOf } from '../../../graph/tensor.ts'
import { alongAxes, broadcast, isBounded, type Movement, type Numbers, spread } from './numbers.ts'

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
}

const unary: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Abs: Math.abs,
  Exp: Math.exp,
}

export const isBinary = (op: string): boolean => Object.hasOwn(binary, op)
export const isUnary = (op: string): boolean => Object.hasOwn(unary, op)

/** Of two numbers at a time, broadcast; undefined where the shapes do not fit. */
export function combined(op: string, a: Numbers, b: Numbers): Numbers | undefined {
  const shape = broadcast(a.shape, b.shape)
  if (!shape || !isBounded(shape)) return undefined
  const [x, y] = [reader(a, spread(a.shape, shape)), reader(b, spread(b.shape, shape))]
  const apply = binary[op]
  return filled(shape, a.values instanceof Float64Array || b.values instanceof Float64Array, (i) => apply(x(i), y(i)))
}

/** Of one number at a time. */
export const mapped = (op: string, { shape, values }: Numbers): Numbers => {
  const apply = unary[op]
  return filled(shape, values instanceof Float64Array, (i) => apply(values[i]))
}

/** Types that a Cast makes whole numbers of: all but floats of 16 bits and more. */
export const casted = ({ shape, values }: Numbers, type: number): Numbers =>
  [1, 10, 11, 16].includes(type)
    ? { shape, values }
    : filled(shape, values instanceof Float64Array, (i) =>
        type === 9 ? Number(values[i] !== 0) : Math.trunc(values[i]),
      )

/** Scales and zero points of quantized numbers. */
export interface Levels {
  scale?: Numbers
  zero?: Numbers
  /** Where each element of a tensor finds its own among them; undefined where they do not fit. */
  align(levels: readonly number[], shape: readonly number[]): Movement | undefined
}

/**
 * One for each index along an axis, or one for each block of them; also one for all, and what is broadcast.
 */
export const alongAxis =
  (axis: number, block = 0): Levels['align'] =>
  (levels, shape) => {
    if (sizeOf(levels) === 1) return spread([], shape)
    const at = axis < 0 ? axis + shape.length : axis
    if (levels.length === 1 && levels[0] === shape[at])
      return spread([levels[0], ...shape.slice(at + 1).map(() => 1)], shape)
    if (block > 0 && levels.length === shape.length)
      return alongAxes(levels, shape, (one, i) => (one === at ? Math.min(levels[at] - 1, Math.floor(i / block)) : i))
    return String(broadcast(levels, shape)) === String(shape) ? spread(levels, shape) : undefined
  }

/** (q - zero) scale; undefined where scales or zero points do not fit. */
export function dequantized({ shape, values }: Numbers, { scale, zero, align }: Levels): Numbers | undefined {
  const [by, from] = [levelOf(scale, shape, align, 1), levelOf(zero, shape, align, 0)]
  return by && from && filled(shape, values instanceof Float64Array, (i) => (values[i] - from(i)) * by(i))
}

/** round(x / scale) + zero, within -128 to 127, or 0 to 255 where the zero points are `unsigned`. */
export function quantized(
  { shape, values }: Numbers,
  { scale, zero, align }: Levels,
  unsigned: boolean,
): Numbers | undefined {
  const [by, from] = [levelOf(scale, shape, align, 1), levelOf(zero, shape, align, 0)]
  const [least, most] = unsigned ? [0, 255] : [-128, 127]
  return (
    by &&
    from &&
    filled(shape, values instanceof Float64Array, (i) => {
      const level = evenly(values[i] / by(i)) + from(i)
      return Math.min(most, Math.max(least, level))
    })
  )
}

/** Per element its scale or zero point. */
export function levelOf(
  levels: Numbers | undefined,
  shape: readonly number[],
  align: Levels['align'],
  absent: number,
): ((i: number) => number) | undefined {
  if (!levels) return () => absent
  const movement = align(levels.shape, shape)
  return movement && reader(levels, movement)
}

function reader({ values }: Numbers, { from }: Movement): (i: number) => number {
  if (values.length === 1) return () => values[0]
  if (!from) return (i) => values[i]
  const places = from()
  return (i) => values[places[i]]
}

function filled(shape: readonly number[], double: boolean, value: (i: number) => number): Numbers {
  const values = double ? new Float64Array(sizeOf(shape)) : new Float32Array(sizeOf(shape))
  for (let i = 0; i < values.length; i++) values[i] = value(i)
  return { shape, values }
}

/** The nearest whole number, of two the even one. */
function evenly(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below
}
