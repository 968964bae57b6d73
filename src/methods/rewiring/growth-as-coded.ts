/**
 * @file How DSR's published code divides what grows among the tensors (`rewire.faithful`): in passes, each
 * tensor getting its rounded part of what is still to grow; what rounding leaves over goes to one tensor
 * drawn at random, which never loses more than its part. So it can happen that more grows than was pruned.
 * Where no pass can place anything that code never ends; this one does.
 */
import type { Random } from '../../util/random.ts'
import { roundHalfToEven } from '../../util/rounding.ts'

/** Passes after which it counts as one that does not end. */
const MOST_PASSES = 1000

/** How many places of each tensor grow, of `total`, by what is `left` of each; no more than it has `room`. */
export function growthAsCoded(total: number, left: readonly number[], room: readonly number[], draw: Random): number[] {
  const grown = left.map(() => 0)
  const sum = left.reduce((a, b) => a + b, 0)
  for (let pass = 0, missing = total; missing > 0 && pass < MOST_PASSES; pass++) {
    const parts = left.map((count) => roundHalfToEven((count / sum) * missing))
    const over = missing - parts.reduce((a, b) => a + b, 0)
    if (over !== 0) {
      const chosen = draw.below(parts.length)
      parts[chosen] = Math.max(0, parts[chosen] + over)
    }
    for (const [i, part] of parts.entries()) {
      const placed = Math.min(part, room[i] - grown[i])
      grown[i] += placed
      missing -= placed
    }
  }
  return grown
}
