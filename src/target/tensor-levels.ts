/** @file What is known of a tensor at levels of sparsity. */
import type { Judged } from './trials.ts'

/** A tensor at a level, and what the network does on the judging samples where it alone is pruned. */
export interface Level extends Judged {
  /** Share of zeros that was asked for; 0 is the dense tensor. */
  sparsity: number
  /** How many weights are not zero. */
  kept: number
  /** Which weights are left: bits in row-major order, the lowest first. */
  mask: Uint8Array
}

/** A tensor at all its levels, the dense one first. */
export interface TensorLevels {
  name: string
  size: number
  levels: Level[]
}

/** Whether a mask keeps a weight. */
export const keeps = ({ mask }: Pick<Level, 'mask'>, i: number): boolean => ((mask[i >> 3] >> (i & 7)) & 1) === 1

/**
 * What every level adds to the loss of the dense network. Pruning more never counts as less: a level's loss
 * is at least that of those before it, and of the dense network, since what lies below is luck of the
 * samples.
 */
export function lossesOf({ levels: [dense, ...rest] }: TensorLevels): number[] {
  let most = dense.loss
  return [
    0,
    ...rest.map(({ loss }) => {
      most = Math.max(most, loss)
      return most - dense.loss
    }),
  ]
}
