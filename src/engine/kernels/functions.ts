/** @file What the codes of elementwise kernels mean: functions of one number or two, in float64. */
import { erf, nearest, power } from '../../util/functions.ts'

/** Operation codes, in the order of the enums in C. */
export const UNARY = {
  Neg: 0,
  Relu: 1,
  Sqrt: 2,
  Reciprocal: 3,
  Sigmoid: 4,
  Abs: 5,
  Exp: 6,
  Log: 7,
  Tanh: 8,
  Erf: 9,
  Floor: 10,
  Ceil: 11,
  Round: 12,
  Trunc: 13,
  Sign: 14,
  Sin: 15,
  Cos: 16,
  Atan: 17,
} as const

export const BINARY = {
  Add: 0,
  Sub: 1,
  Mul: 2,
  ReluGrad: 3,
  AddRelu: 4,
  Div: 5,
  Max: 6,
  Min: 7,
  Pow: 8,
  Fmod: 9,
  Less: 10,
  LessOrEqual: 11,
  Equal: 12,
} as const

export const unaryFormulas: readonly ((x: number) => number)[] = [
  (x) => -x,
  (x) => Math.max(x, 0),
  Math.sqrt,
  (x) => 1 / x,
  (x) => 1 / (1 + Math.exp(-x)),
  Math.abs,
  Math.exp,
  Math.log,
  Math.tanh,
  erf,
  Math.floor,
  Math.ceil,
  nearest,
  Math.trunc,
  Math.sign,
  Math.sin,
  Math.cos,
  Math.atan,
]

export const binaryFormulas: readonly ((x: number, y: number) => number)[] = [
  (x, y) => x + y,
  (x, y) => x - y,
  (x, y) => x * y,
  (dy, y) => (y <= 0 ? 0 : dy),
  (x, y) => Math.max(x + y, 0),
  (x, y) => x / y,
  larger,
  smaller,
  power,
  (x, y) => x % y,
  (x, y) => Number(x < y),
  (x, y) => Number(x <= y),
  (x, y) => Number(x === y),
]

/** NaN where one of them is. Of two zeros the second. */
export function larger(x: number, y: number): number {
  return x > y || Number.isNaN(x) ? x : y
}

export function smaller(x: number, y: number): number {
  return x < y || Number.isNaN(x) ? x : y
}
