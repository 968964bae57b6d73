/** @file Functions of numbers that JavaScript has not, or not as IEEE 754 has them. */

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
