/**
 * @file How many weights each tensor grows where they move between tensors: in proportion to what it has left
 * (Mostafa & Wang 2019).
 */
import { growthAsCoded } from './growth-as-coded.ts'
import type { RewiringContext, SparseLayer } from './rewiring.ts'
import { apportionRuns } from './runs.ts'

/**
 * The places that grow in each tensor after those have been `pruned`; no more than were free before, unless
 * all tensors together have too few of them. `faithful`: places are counted, not weights, and divided as in
 * growth-as-coded.ts.
 */
export function growthInProportion(
  layers: readonly SparseLayer[],
  pruned: readonly Int32Array[],
  { draw, owed }: Pick<RewiringContext, 'draw' | 'owed'>,
  faithful: boolean,
): number[] {
  const free = freeOf(layers)
  const left = layers.map(({ positions }, i) => positions.length - pruned[i].length)
  const weights = (places: readonly number[]) => places.map((count, i) => count * layers[i].length)
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  const taken = pruned.map(({ length }) => length)
  if (faithful) return growthAsCoded(sum(taken), left, free, draw('all tensors'))
  const total = sum(weights(taken)) + owed
  const enough = sum(weights(free)) >= total
  const room = enough ? free : free.map((places, i) => places + taken[i])
  return apportionRuns(
    total,
    weights(left),
    room,
    layers.map(({ length }) => length),
  )
}

/** The places of each tensor that hold no weight. */
export const freeOf = (layers: readonly SparseLayer[]): number[] =>
  layers.map(({ size, positions }) => size - positions.length)
