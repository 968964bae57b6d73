/**
 * @file Exact selection of the k largest scores: the one meaning of "top k" in this project. Ties go to the earlier
 * tensor, then to the lower index. The kernel `select_top` computes the same.
 */

/** An array of scores; masks are written as 0 and 1 into arrays of either kind. */
export type Scores = Float32Array | Float64Array

/**
 * Writes 1 at exactly `keep` largest scores over all tensors together and 0 elsewhere.
 * masks[t] has the length of scores[t]. Scores must be finite. O(n log n); for tests and for small or rare selections.
 */
export function selectTop(scores: readonly Scores[], keep: number, masks: readonly Scores[]): void {
  const order = scores.flatMap((tensor, t) => Array.from(tensor, (score, i) => ({ score, t, i })))
  // Stable, so equal scores stay in the order of tensor and index.
  order.sort((a, b) => b.score - a.score)
  for (const mask of masks) mask.fill(0)
  for (const { t, i } of order.slice(0, keep)) masks[t][i] = 1
}
