/**
 * @file How far two pruned networks kept the same weights: the Jaccard index of what is not zero.
 */

import { UserError } from '../util/errors.ts'

/** Weights of a tensor that are not zero, in two networks. */
export interface Overlap {
  name: string
  size: number
  keptA: number
  keptB: number
  both: number
  /** both / (kept in at least one); 1 where neither keeps anything. */
  jaccard: number
}

/** Throws UserError where the tensors differ in length. */
export function overlapOf(name: string, a: ArrayLike<number>, b: ArrayLike<number>): Overlap {
  if (a.length !== b.length)
    throw new UserError(`${name} has ${a.length} weights in one network and ${b.length} in the other`)
  let [keptA, keptB, both] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== 0) keptA++
    if (b[i] !== 0) keptB++
    if (a[i] !== 0 && b[i] !== 0) both++
  }
  return withIndex({ name, size: a.length, keptA, keptB, both })
}

/** All of them together. */
export function totalOverlap(name: string, overlaps: readonly Overlap[]): Overlap {
  const sum = (key: 'size' | 'keptA' | 'keptB' | 'both') => overlaps.reduce((all, overlap) => all + overlap[key], 0)
  return withIndex({ name, size: sum('size'), keptA: sum('keptA'), keptB: sum('keptB'), both: sum('both') })
}

function withIndex(counts: Omit<Overlap, 'jaccard'>): Overlap {
  const either = counts.keptA + counts.keptB - counts.both
  return { ...counts, jaccard: either === 0 ? 1 : counts.both / either }
}
