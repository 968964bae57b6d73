/**
 * @file Random gradient columns in a workspace: two tensors, the first rank one (with zeros, as after a
 * ReLU), the second stored.
 */
import type { Machine } from '../../src/engine/machine.ts'
import { Workspace } from '../../src/linear/workspace.ts'
import { solverRoom } from '../../src/methods/second-order/fisher/inverse.ts'
import { RankOneColumns } from '../../src/methods/second-order/fisher/rank-one-columns.ts'
import { StoredColumns } from '../../src/methods/second-order/fisher/stored-columns.ts'
import { random } from '../../src/util/random.ts'

export interface ColumnsCase {
  space: Workspace
  /** The second is `stored`; the first is `rankOne`, of which `copy` is the same stored. */
  rankOne: RankOneColumns
  copy: StoredColumns
  stored: StoredColumns
  /** Rows of gradients: sample, weight of both tensors. */
  g: Float64Array[]
  /** Weights of both tensors. */
  weights: Float64Array[]
}

export function columnsCase(machine: Machine, seed: number, samples: number, p = 3, q = 4, other = 5): ColumnsCase {
  const draw = random(seed, 'columns')
  // Of few bits, so that products of two are exact in float32.
  const noise = (count: number) => Float32Array.from({ length: count }, () => Math.round(64 * draw.normal()) / 64)
  const left = noise(p * samples).map((x) => Math.max(x, 0))
  const [right, values] = [noise(q * samples), noise(other * samples)]
  const space = new Workspace(machine, (p + q + 2 * p * q + 2 * other) * samples + solverRoom(samples))
  const rankOne = new RankOneColumns(space, 'rank one', [p, q], samples)
  const copy = new StoredColumns(space, 'copy', p * q, samples)
  const stored = new StoredColumns(space, 'stored', other, samples)
  const outer = Float32Array.from(
    { length: p * q * samples },
    (_, i) =>
      left[Math.floor(i / samples / q) * samples + (i % samples)] *
      right[(Math.floor(i / samples) % q) * samples + (i % samples)],
  )
  rankOne.put(0, samples, left, right)
  copy.put(0, samples, outer)
  stored.put(0, samples, values)
  const g = Array.from({ length: samples }, (_, i) =>
    Float64Array.from({ length: p * q + other }, (_, w) =>
      w < p * q ? outer[w * samples + i] : values[(w - p * q) * samples + i],
    ),
  )
  const weights = [p * q, other].map((size) => Float64Array.from({ length: size }, () => draw.normal()))
  return { space, rankOne, copy, stored, g, weights }
}

/** Zeros and ones, one list per tensor. */
export function randomMasks(seed: number, sizes: readonly number[], share: number): Uint8Array[] {
  const draw = random(seed, 'masks')
  return sizes.map((size) => Uint8Array.from({ length: size }, () => Number(draw.uniform() < share)))
}

export const flat = (lists: readonly ArrayLike<number>[]): number[] => lists.flatMap((list) => Array.from(list))

/** The largest difference, relative to the largest value. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let [most, size] = [0, 1e-300]
  for (let i = 0; i < a.length; i++) {
    const off = Math.abs(a[i] - b[i])
    if (!(off <= most)) most = off
    size = Math.max(size, Math.abs(b[i]))
  }
  return most / size
}
