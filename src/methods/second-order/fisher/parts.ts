/**
 * @file Blocks of the Fisher matrix by the weights that they hold: consecutive parts of the pruned tensors,
 * which are numbered in order.
 */

/** Weights [first, first + size) of a tensor. */
export interface Part {
  readonly tensor: number
  readonly first: number
  readonly size: number
}

/** Which weights interact: all, those of a tensor each, or at most so many consecutive ones of a tensor. */
export type FisherBlocks = 'full' | 'layer' | number

/**
 * The parts of every block, in order. With a number, the last block of a tensor may be shorter (Singh &
 * Alistarh 2020).
 */
export function blockParts(sizes: readonly number[], blocks: FisherBlocks): Part[][] {
  const whole = sizes.map((size, tensor) => ({ tensor, first: 0, size }))
  if (blocks === 'full') return [whole]
  if (blocks === 'layer') return whole.map((part) => [part])
  return whole.flatMap(({ tensor, size }) =>
    Array.from({ length: Math.ceil(size / blocks) }, (_, b) => {
      const first = b * blocks
      return [{ tensor, first, size: Math.min(blocks, size - first) }]
    }),
  )
}

/** Views of the parts of some tensors' values. */
export const valuesOf = <T extends Float32Array | Float64Array | Uint8Array>(
  parts: readonly Part[],
  tensors: readonly T[],
): T[] => parts.map(({ tensor, first, size }) => tensors[tensor].subarray(first, first + size) as T)
