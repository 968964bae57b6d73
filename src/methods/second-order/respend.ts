/**
 * @file Weights that do nothing, spent again: kept weights whose gradient is 0 in every sample (they lie on
 * no path from input to output, or at inputs that are always 0) go, and as many grow where a diagonal step of
 * Newton lowers the loss most, by g_q^2 / (2 (lambda + F_qq)) with the mean gradient g and the empirical
 * Fisher F. They begin at 0, so that the network computes what it did until the next update.
 */
import { selectTop } from '../../select/top.ts'
import type { FisherColumns } from './fisher/fisher-columns.ts'

export interface Respent {
  /** One mask per tensor. */
  masks: Float32Array[]
  /** How many weights were moved. */
  moved: number
}

/**
 * Undefined where every kept weight has a gradient, or no removed one has. `within`: whether tensors keep
 * their counts. Of equals the earlier weights go and grow.
 */
export function respend(
  columns: Pick<FisherColumns, 'eachPart'>,
  masks: readonly Float32Array[],
  { damping, within }: { damping: number; within: boolean },
): Respent | undefined {
  const idle = masks.map((mask) => new Float32Array(mask.length))
  const gains = columns.eachPart(({ samples, tensors: [tensor] }, own) => {
    const [squares, sums] = [new Float64Array(tensor.size), new Float64Array(tensor.size)]
    tensor.squares(squares)
    tensor.correlate(new Float64Array(samples).fill(1), sums)
    const [kept, unused] = [own(masks)[0], own(idle)[0]]
    return [
      squares.map((square, q) => {
        if (kept[q] === 0) return (sums[q] / samples) ** 2 / (2 * (damping + square / samples))
        unused[q] = square === 0 ? 1 : 0
        return 0
      }),
    ]
  })
  const next = masks.map((mask) => mask.slice())
  const all = masks.map((_, t) => t)
  const groups = within ? all.map((t) => [t]) : [all]
  const moved = groups.reduce((sum, group) => {
    const of = <T>(tensors: readonly T[]) => group.map((t) => tensors[t])
    return sum + move(of(next), of(idle), of(gains))
  }, 0)
  return moved > 0 ? { masks: next, moved } : undefined
}

/** Takes away weights that are idle and grows as many of the largest gains; how many. */
function move(masks: Float32Array[], idle: readonly Float32Array[], gains: readonly Float64Array[]): number {
  const count = Math.min(positives(idle), positives(gains))
  const [gone, grown] = [idle, gains].map((scores) => {
    const chosen = masks.map(({ length }) => new Float32Array(length))
    selectTop(scores, count, chosen)
    return chosen
  })
  masks.forEach((mask, t) => {
    for (let q = 0; q < mask.length; q++) mask[q] += grown[t][q] - gone[t][q]
  })
  return count
}

const positives = (lists: readonly ArrayLike<number>[]): number =>
  lists.reduce((sum, list) => sum + Array.from(list).filter((x) => x > 0).length, 0)
