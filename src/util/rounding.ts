/** @file Rounding as Python and NumPy do it. */

/** The nearest whole number; of a half the even one. */
export function roundHalfToEven(x: number): number {
  const below = Math.floor(x)
  return x - below > 0.5 || (x - below === 0.5 && below % 2 !== 0) ? below + 1 : below
}
