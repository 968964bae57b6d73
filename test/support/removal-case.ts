/** @file Small problems of choosing weights to remove, and what a removal costs by definition. */
import type { FisherBlock } from '../../src/methods/second-order/fisher/columns.ts'
import { random } from '../../src/util/random.ts'
import { matrixColumns } from './matrix-columns.ts'

export interface RemovalCase {
  /** [tensor][sample][weight] */
  gradients: Float32Array[][]
  /** [tensor][weight] */
  weights: Float64Array[]
  /** [tensor][weight], 1 kept, 0 removed. */
  start: Uint8Array[]
}

/**
 * Normal gradients and weights; the start removes the `removed` weights of smallest magnitude, or
 * `at random`.
 */
export function removalCase(
  seed: number,
  { sizes, samples, removed, start = 'magnitude' }: RemovalCaseOptions,
): RemovalCase {
  const draw = random(seed, 'removal case')
  const weights = sizes.map((size) => Float64Array.from({ length: size }, () => draw.normal()))
  const gradients = sizes.map((size) =>
    Array.from({ length: samples }, () => Float32Array.from({ length: size }, () => draw.normal())),
  )
  const all = weights.flatMap((w) => [...w])
  const order = [...draw.permutation(all.length)]
  if (start === 'magnitude') order.sort((a, b) => Math.abs(all[a]) - Math.abs(all[b]))
  const gone = new Set(order.slice(0, removed))
  let q = 0
  return { gradients, weights, start: weights.map((w) => Uint8Array.from(w, () => (gone.has(q++) ? 0 : 1))) }
}

export interface RemovalCaseOptions {
  sizes: number[]
  samples: number
  removed: number
  /** Default `magnitude`. */
  start?: 'magnitude' | 'random'
}

/** One block of all tensors, or one per tensor. */
export function blocksOf({ gradients }: RemovalCase, perTensor: boolean): FisherBlock[] {
  const tensors = gradients.map((matrix, t) => matrixColumns(`tensor ${t}`, matrix))
  const { samples } = tensors[0]
  return perTensor ? tensors.map((tensor) => ({ samples, tensors: [tensor] })) : [{ samples, tensors }]
}

/**
 * Q: the mean square over samples of the sum of g w over removed weights, one sum for all tensors together or
 * one per tensor, whose mean squares are added.
 */
export function removalCost(
  { gradients, weights }: Pick<RemovalCase, 'gradients' | 'weights'>,
  masks: readonly ArrayLike<number>[],
  perTensor = false,
): number {
  const samples = gradients[0].length
  let total = 0
  for (let i = 0; i < samples; i++) {
    const sums = weights.map((w, t) => {
      let sum = 0
      for (let q = 0; q < w.length; q++) if (masks[t][q] === 0) sum += gradients[t][i][q] * w[q]
      return sum
    })
    total += perTensor ? sums.reduce((a, b) => a + b * b, 0) : sums.reduce((a, b) => a + b, 0) ** 2
  }
  return total / samples
}

/** All masks of n weights that remove `removed` of them. */
export function* allMasks(n: number, removed: number): Generator<number[]> {
  if (removed > n) return
  if (n === 0) return yield []
  for (const rest of allMasks(n - 1, removed)) yield [1, ...rest]
  if (removed > 0) for (const rest of allMasks(n - 1, removed - 1)) yield [0, ...rest]
}

/** The same masks with weights back and gone, numbered through all tensors, exchanged. */
export function exchanged(masks: readonly ArrayLike<number>[], back: number, gone: number): Uint8Array[] {
  let q = 0
  return masks.map((mask) =>
    Uint8Array.from(mask, (bit) => {
      const at = q++
      return at === back ? 1 : at === gone ? 0 : bit
    }),
  )
}
