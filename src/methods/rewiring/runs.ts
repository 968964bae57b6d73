/**
 * @file Rewiring of runs of weights (src/sparsity/granularity/runs.ts) instead of single ones: to a method a
 * run is a place like others, whose value is the mean |w| of its weights. Budgets are in weights, so that
 * tensors with runs of different lengths can exchange them.
 */
import type { Floats } from '../../engine/machine.ts'
import { apportion } from '../../select/apportion.ts'
import type { Moves, SparseLayer } from './rewiring.ts'

/** The same tensor with runs of `length` weights as its places. Throws where a run is held in part. */
export function inRuns(layer: SparseLayer, length: number): SparseLayer {
  if (length === 1) return layer
  const { name, size, rows, positions, values } = layer
  const count = Math.ceil(positions.length / length)
  const places = Int32Array.from({ length: count }, (_, run) => Math.floor(positions[run * length] / length))
  if (
    positions.length % length !== 0 ||
    positions.some((p, e) => p !== places[Math.floor(e / length)] * length + (e % length))
  )
    throw new Error(`${name}: a run of ${length} weights is held in part`)
  return { name, length, size: size / length, rows, positions: places, values: meansOfRuns(values, length) }
}

/** Mean |value| of every run. */
export function meansOfRuns(values: Floats, length: number): Float64Array {
  const means = new Float64Array(values.length / length)
  values.forEach((value, i) => {
    means[Math.floor(i / length)] += Math.abs(value) / length
  })
  return means
}

/** Moves of runs as moves of their weights. */
export function ofWeights({ pruned, grown }: Moves, length: number): Moves {
  const weights = (list: Int32Array) =>
    Int32Array.from({ length: list.length * length }, (_, i) => list[Math.floor(i / length)] * length + (i % length))
  return { pruned: weights(pruned), grown: weights(grown) }
}

/**
 * Divides `total` weights by shares among tensors with so many free `places` of `lengths` weights each; how
 * many places of each grow. What the places of a tensor leave over goes on to those with shorter ones, so
 * that in all less than the longest run is left.
 */
export function apportionRuns(
  total: number,
  shares: readonly number[],
  places: readonly number[],
  lengths: readonly number[],
): number[] {
  const weights = apportion(
    total,
    shares,
    places.map((count, i) => count * lengths[i]),
  )
  const counts = weights.map(() => 0)
  let left = 0
  for (const i of [...lengths.keys()].sort((a, b) => lengths[b] - lengths[a] || a - b)) {
    counts[i] = Math.min(places[i], Math.floor((weights[i] + left) / lengths[i]))
    left += weights[i] - counts[i] * lengths[i]
  }
  return counts
}
