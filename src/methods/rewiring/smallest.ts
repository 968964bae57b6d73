/** @file Which weights are smallest. */

/** Indices of the `count` smallest scores, ascending; of equal ones the earlier. */
export function smallest(scores: ArrayLike<number>, count: number): Int32Array {
  if (count <= 0) return new Int32Array(0)
  const order = Int32Array.from({ length: scores.length }, (_, i) => i)
  order.sort((a, b) => scores[a] - scores[b] || a - b)
  return order.subarray(0, count).slice().sort()
}
