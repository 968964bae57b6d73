/**
 * @file Random gradient columns in a workspace: two tensors, the first rank one (with zeros, as after a
 * ReLU), the second stored.
 */
import type { Machine } from '../../src/engine/machine.ts'
import { Workspace } from '../../src/linear/workspace.ts'
import { solverRoom } from '../../src/methods/second-order/fisher/inverse.ts'
import { RankOneColumns, rankOneRoom } from '../../src/methods/second-order/fisher/rank-one-columns.ts'
import { StoredColumns } from '../../src/methods/second-order/fisher/stored-columns.ts'
import { random } from '../../src/util/random.ts'

export interface ColumnsCase {
  space: Workspace
  /**
   * The second is `stored`; the first is `rankOne`, of which `copy` is the same stored, rounded to float32.
   */
  rankOne: RankOneColumns
  copy: StoredColumns
  stored: StoredColumns
  /** Rows of gradients, of `rankOne` and `stored`: sample, weight of both tensors. */
  g: Float64Array[]
  /** The same of `copy` and `stored`. */
  rounded: Float64Array[]
  /** Weights of both tensors. */
  weights: Float64Array[]
}

export function columnsCase(machine: Machine, seed: number, samples: number, p = 3, q = 4, other = 5): ColumnsCase {
  const draw = random(seed, 'columns')
  const noise = (count: number) => Float32Array.from({ length: count }, () => draw.normal())
  const left = noise(p * samples).map((x) => Math.max(x, 0))
  const [right, values] = [noise(q * samples), noise(other * samples)]
  const columns = p + q + 2 * p * q + 2 * other
  const room = columns * samples + solverRoom(samples) + rankOneRoom([p, q], samples)
  const space = new Workspace(machine, room)
  const rankOne = RankOneColumns.allocate(space, 'rank one', [p, q], samples)
  const copy = new StoredColumns(space, 'copy', p * q, samples)
  const stored = new StoredColumns(space, 'stored', other, samples)
  // Exact: a product of two float32 numbers is a float64 one.
  const outer = Float64Array.from(
    { length: p * q * samples },
    (_, i) =>
      left[Math.floor(i / samples / q) * samples + (i % samples)] *
      right[(Math.floor(i / samples) % q) * samples + (i % samples)],
  )
  rankOne.put(0, samples, left, right)
  copy.put(0, samples, Float32Array.from(outer))
  stored.put(0, samples, values)
  const rows = (first: ArrayLike<number>) =>
    Array.from({ length: samples }, (_, i) =>
      Float64Array.from({ length: p * q + other }, (_, w) =>
        w < p * q ? first[w * samples + i] : values[(w - p * q) * samples + i],
      ),
    )
  const weights = [p * q, other].map((size) => Float64Array.from({ length: size }, () => draw.normal()))
  return { space, rankOne, copy, stored, g: rows(outer), rounded: rows(Float32Array.from(outer)), weights }
}

/** Zeros and ones, one list per tensor. */
export function randomMasks(seed: number, sizes: readonly number[], share: number): Uint8Array[] {
  const draw = random(seed, 'masks')
  return sizes.map((size) => Uint8Array.from({ length: size }, () => Number(draw.uniform() < share)))
}

export const flat = (lists: readonly ArrayLike<number>[]): number[] => lists.flatMap((list) => Array.from(list))

/**
 * The largest error of an entry, relative to its scale: by default its own size. With a scale of 0 only
 * equality is no error.
 */
export function worstError(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  scales: ArrayLike<number> = Array.from(want, Math.abs),
): number {
  if (got.length !== want.length || scales.length !== want.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < want.length; i++) {
    const error = got[i] === want[i] ? 0 : Math.abs(got[i] - want[i]) / scales[i]
    if (!(error <= worst)) worst = error
  }
  return worst
}
