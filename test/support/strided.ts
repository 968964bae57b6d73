/**
 * @file Strided operands: every order of the axes, any axis repeated (stride 0), with or without holes.
 */
import fc from 'fast-check'
import type { Random } from '../../src/util/random.ts'
import { blank } from './kernel-case.ts'

/** Four sizes; any of them is often 1, the last sometimes long. */
export const dims = fc.tuple(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 1, max: 5 }),
  fc.constantFrom(1, 2, 9),
  fc.constantFrom(1, 3, 4, 8, 17, 40, 127),
)

export interface Layout {
  /** Axes from outermost to innermost in memory. */
  order: number[]
  /** Axes that are repeated. */
  repeated: boolean[]
  /** Distance between neighbours along the innermost axis. */
  step: number
}

export const layoutOf = (rank: number): fc.Arbitrary<Layout> => {
  const axes = Array.from({ length: rank }, (_, i) => i)
  return fc.record({
    // Plain row-major order is what kernels have their fast paths for.
    order: fc.oneof(fc.constant(axes), fc.shuffledSubarray(axes, { minLength: rank, maxLength: rank })),
    repeated: fc.oneof(
      fc.constant(axes.map(() => false)),
      fc.array(fc.boolean(), { minLength: rank, maxLength: rank }),
    ),
    step: fc.constantFrom(1, 1, 3),
  })
}

export const operand = layoutOf(4)

/** Values and strides of an operand over `dims`; NaN in the holes. */
export function strided(dims: readonly number[], { order, repeated, step }: Layout, rng: Random) {
  const strides = dims.map(() => 0)
  let length = step
  for (const axis of [...order].reverse()) {
    if (repeated[axis]) continue
    strides[axis] = length
    length *= dims[axis]
  }
  const floats = blank(1 + dims.reduce((last, n, i) => last + (n - 1) * strides[i], 0))
  for (let i = 0; i < floats.length; i += step) floats[i] = Math.fround(2 * rng.uniform() - 1)
  return { strides, floats }
}
