/** @file What the codes of elementwise kernels mean: functions of one number or two, in float64. */

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

/** The nearest whole number, the even one of two, with the sign of x. */
export function nearest(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  if (!(rest > 0)) return x
  const near = rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below
  return near === 0 && x < 0 ? -0 : near
}

/** x^y as C and IEEE 754 have it: 1 to any power is 1, and so is -1 to an infinite one. */
export function power(x: number, y: number): number {
  if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1
  return x ** y
}

/**
 * The error function to about 1e-15: near 0 its series 2 / sqrt(pi) e^-x^2 sum of 2^n x^(2n+1) / (2n+1)!!
 * (Abramowitz & Stegun 7.1.6), else by the continued fraction of erfc (7.1.14).
 */
export function erf(x: number): number {
  const size = Math.abs(x)
  if (Number.isNaN(x)) return x
  const near = Math.exp(-size * size)
  if (size < 2.5) {
    let [term, sum] = [size, size]
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= (2 * size * size) / (2 * n + 1)
      sum += term
    }
    return Math.sign(x) * ((2 / Math.sqrt(Math.PI)) * near * sum)
  }
  let fraction = size
  for (let n = 60; n > 0; n--) fraction = size + n / 2 / fraction
  return Math.sign(x) * (1 - near / Math.sqrt(Math.PI) / fraction)
}
