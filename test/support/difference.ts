/**
 * @file How far arrays of numbers lie apart: one number to expect something of, since an `expect` for each of
 * them is slow.
 */

/** The largest |got[i] - want[i]|; NaN where one is, infinite where they have other lengths. */
export function largestDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY
  let most = 0
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i] - want[i])
    if (!(difference <= most)) most = difference
    if (Number.isNaN(most)) return most
  }
  return most
}
