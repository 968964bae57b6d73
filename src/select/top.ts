/**
 * @file Selects exactly the k largest scores: this is the one meaning of "top k" in this project. Ties go to
 * the earlier tensor, then to the lower index. The kernel `select_top` computes the same.
 */
import { kthLargest } from './kth.ts'

/** An array of scores; masks are written as 0 and 1 into arrays of either kind. */
export type Scores = Float32Array | Float64Array

/**
 * Writes 1 at exactly `keep` largest scores over all tensors together and 0 elsewhere.
 * masks[t] has the length of scores[t]. Scores must not be NaN. It takes expected O(n).
 */
export function selectTop(scores: readonly Scores[], keep: number, masks: readonly Scores[]): void {
  const all = new Float64Array(scores.reduce((n, tensor) => n + tensor.length, 0))
  let at = 0
  for (const tensor of scores) {
    all.set(tensor, at)
    at += tensor.length
  }
  const isKept = topOf(all, keep)
  scores.forEach((tensor, t) => {
    for (let i = 0; i < tensor.length; i++) masks[t][i] = isKept(tensor[i]) ? 1 : 0
  })
}

/**
 * Returns a function that says whether a score is among the `keep` largest of `all`. It has to be asked once
 * for each of them, in their order, since of equals the first are kept. It serves callers that cannot hold
 * all scores twice. `all` must not hold NaN, and comes back in another order. It takes expected O(n).
 */
export function topOf(all: Scores, keep: number): (score: number) => boolean {
  const count = Math.min(keep, all.length)
  const least = count > 0 ? kthLargest(all, count) : Number.POSITIVE_INFINITY
  // Everything above the least kept score, and as many of its equals as there is room for.
  let ties = keep
  for (let i = 0; i < all.length; i++) if (all[i] > least) ties--
  return (score) => score > least || (score === least && ties-- > 0)
}
