/**
 * @file Masks of lottery tickets (Frankle & Carbin, ICLR 2019, arXiv 1803.03635): which of the trained
 * weights are kept, at once or in rounds that each remove the same share of what is left, by magnitude. The
 * k-th of n rounds at rate p leaves (1 - p)^k of the weights; the last one leaves exactly as many as are
 * asked for.
 */
import { apportion } from '../../select/apportion.ts'
import { type Scores, selectTop } from '../../select/top.ts'
import { UserError } from '../../util/errors.ts'
import type { Random } from '../../util/random.ts'

export interface TicketRounds {
  /** Weights that are left after the last round, of all layers together. */
  keep: number
  /** Share of what is left that a round removes, above 0, below 1. Absent: one round. */
  rate?: number
  /**
   * `global`: one ranking over all layers; `layerwise`: every layer loses the same share, but for the last
   * one.
   */
  scope: 'global' | 'layerwise'
  /**
   * Layerwise: the rate of the output layer, as a share of the others' rate. Default 0.5, as in the paper.
   */
  output?: number
}

/**
 * How many weights each ranking keeps, round by round: one number (global), or one per layer. `sizes`:
 * weights of the layers, the output layer last. Throws UserError where the output layer would have to give
 * more than its rate allows.
 */
export function ticketRounds(
  sizes: readonly number[],
  { keep, rate = 1, scope, output = 0.5 }: TicketRounds,
): number[][] {
  const rounds: number[][] = []
  let left = scope === 'global' ? [total(sizes)] : [...sizes]
  const rates = left.map((_, i) => (scope === 'layerwise' && i === left.length - 1 ? output : 1))
  while (total(left) > keep) {
    // The last round removes what is still to go, and in the same proportion.
    const all = total(left)
    const most = (all - keep) / total(left.map((count, i) => rates[i] * count))
    if (rate === 1 && most > 1)
      throw new UserError(
        `a ticket of ${keep} weights is less than the output layer keeps at ${output} of the others' rate`,
      )
    const p = Math.min(rate, most)
    const shares = left.map((count, i) => count * (1 - Math.min(1, rates[i] * p)))
    const rest = p === most ? keep : Math.min(all - 1, Math.max(keep, Math.round(total(shares))))
    left = apportion(rest, shares, left)
    rounds.push(left)
  }
  return rounds
}

/**
 * Masks of the largest |w| among what `before` (default: everything) kept: `counts` as of
 * {@link ticketRounds}, ties by index. `least`: of one ranking over all layers, what each of them keeps at
 * least, together no more than the count (default: nothing).
 */
export function ticketMasks(
  weights: readonly Float32Array[],
  counts: readonly number[],
  { before, least }: { before?: readonly Scores[]; least?: readonly number[] } = {},
): Float32Array[] {
  const scores = weights.map((values, t) => values.map((w, i) => (before && before[t][i] === 0 ? -1 : Math.abs(w))))
  const masks = weights.map(({ length }) => new Float32Array(length))
  for (const [t, count] of least?.entries() ?? []) {
    selectTop([scores[t]], count, [masks[t]])
    for (let i = 0; i < scores[t].length; i++) if (masks[t][i] === 1) scores[t][i] = Number.POSITIVE_INFINITY
  }
  if (counts.length === 1) selectTop(scores, counts[0], masks)
  else for (const [t, count] of counts.entries()) selectTop([scores[t]], count, [masks[t]])
  return masks
}

/** A control: as many weights of each layer, at random places. */
export const shuffledMasks = (masks: readonly Float32Array[], draw: (layer: number) => Random): Float32Array[] =>
  masks.map((mask, t) => Float32Array.from(draw(t).permutation(mask.length), (i) => mask[i]))

/**
 * Units of a layer [outputs, inputs, ...] that its mask cuts off: outputs without a weight, and inputs
 * without one.
 */
export function deadUnits(shape: readonly number[], mask: ArrayLike<number>): { outputs: number; inputs: number } {
  const [rows, columns = 1] = shape
  const taps = mask.length / (rows * columns)
  const [out, into] = [new Uint8Array(rows), new Uint8Array(columns)]
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    out[Math.floor(i / (columns * taps))] = 1
    into[Math.floor(i / taps) % columns] = 1
  }
  const dead = (units: Uint8Array) => units.reduce((n, alive) => n - alive, units.length)
  return { outputs: dead(out), inputs: dead(into) }
}

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
