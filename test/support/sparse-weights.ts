/** @file Random sparse weights: where their nonzeros are, and the pattern as kernels read it. */
import { type Pattern, writePattern } from '../../src/engine/pattern.ts'
import type { Shape } from '../../src/graph/tensor.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import type { Random } from '../../src/util/random.ts'

/**
 * How many of a weight's places are nonzeros: a share of them, or `one`. Sparse ones often leave rows and
 * columns empty.
 */
export const densities = [0, 'one', 0.01, 0.2, 0.5, 1] as const
export type Density = (typeof densities)[number]

/** Ascending places of the nonzeros. */
export function randomPositions(rng: Random, shape: Shape, density: Density): Int32Array {
  const size = sizeOf(shape)
  if (density === 'one') return Int32Array.of(rng.below(size))
  const all = Array.from({ length: size }, (_, i) => i)
  return Int32Array.from(density === 1 ? all : all.filter(() => rng.uniform() < density))
}

/** An empty pattern with room for so many nonzeros. */
export const emptyPattern = ([out, channels]: Shape, capacity: number): Pattern => ({
  starts: new Int32Array(out + 1),
  places: new Int32Array(capacity),
  tStarts: new Int32Array(channels + 1),
  tPlaces: new Int32Array(capacity),
  tEntries: new Int32Array(capacity),
})

export function patternOf(shape: Shape, positions: Int32Array, capacity = positions.length): Pattern {
  const pattern = emptyPattern(shape, capacity)
  writePattern(pattern, shape, positions)
  return pattern
}
