/**
 * @file Divides a whole number by shares with the largest-remainder method and a capacity for each part.
 */

/**
 * Whole numbers that sum to `total`, as close to proportional to `shares` as capacities allow: parts that
 * would overflow are filled and the rest is divided again. What rounding down leaves goes to the largest
 * fractions, and of equal ones to the earlier part. Parts without a share get something only when all others
 * are full. Throws where `total` exceeds the sum of the capacities.
 */
export function apportion(total: number, shares: readonly number[], capacities: readonly number[]): number[] {
  const room = capacities.reduce((a, b) => a + b, 0)
  if (total > room) throw new Error(`cannot place ${total} into parts that hold ${room}`)
  const result = shares.map(() => 0)
  let notFull = shares.map((_, i) => i)
  let left = total
  let ideals: number[] = []
  for (;;) {
    const weights = notFull.some((i) => shares[i] > 0) ? shares : capacities
    const sum = notFull.reduce((a, i) => a + weights[i], 0)
    ideals = weights.map((weight) => (sum > 0 ? (left * weight) / sum : 0))
    const full = notFull.filter((i) => ideals[i] >= capacities[i])
    if (full.length === 0) break
    for (const i of full) {
      result[i] = Math.min(capacities[i], left)
      left -= result[i]
    }
    notFull = notFull.filter((i) => !full.includes(i))
  }
  for (const i of notFull) result[i] = Math.floor(ideals[i])
  left -= notFull.reduce((a, i) => a + result[i], 0)
  const fraction = (i: number) => ideals[i] - Math.floor(ideals[i])
  for (const i of notFull.sort((a, b) => fraction(b) - fraction(a) || a - b).slice(0, left)) result[i]++
  return result
}
