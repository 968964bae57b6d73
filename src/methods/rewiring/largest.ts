/** @file Where gradients are largest. */
import type { Floats } from '../../engine/machine.ts'
import { selectTop } from '../../select/top.ts'

/**
 * The `count` places with the largest |gradient| that are not taken (ascending), of equal ones the earlier;
 * ascending.
 */
export function largest(gradient: Floats, taken: Int32Array, count: number): Int32Array {
  const scores = gradient.map(Math.abs)
  for (const position of taken) scores[position] = -1
  const chosen = new Float32Array(scores.length)
  selectTop([scores], count, [chosen])
  const grown = new Int32Array(count)
  for (let position = 0, i = 0; i < count; position++) if (chosen[position] === 1) grown[i++] = position
  return grown
}
