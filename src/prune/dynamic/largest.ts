/** @file Where gradients are largest. */
import type { Floats } from '../../engine/machine.ts'

/** The `count` places with the largest |gradient| that are not taken (ascending), of equal ones the earlier; ascending. */
export function largest(gradient: Floats, taken: Int32Array, count: number): Int32Array {
  if (count === 0) return new Int32Array(0)
  const scores = Float32Array.from(gradient, (g) => -Math.abs(g))
  for (const position of taken) scores[position] = Number.POSITIVE_INFINITY
  // The threshold first: sorting every place would cost far more than looking at each.
  const least = scores.slice().sort()[count - 1]
  const grown: number[] = []
  let equal = count - scores.reduce((sum, s) => sum + (s < least ? 1 : 0), 0)
  scores.forEach((score, position) => {
    if (score < least || (score === least && equal-- > 0)) grown.push(position)
  })
  return Int32Array.from(grown)
}
