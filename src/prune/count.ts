/**
 * @file How many weights a sparsity keeps: the one rule of this project.
 */

/** n - round(sparsity n), halves rounded away from zero. Sparsity is the share of zeros among the n prunable weights, 0 to 1. */
export function keptCount(n: number, sparsity: number): number {
  if (!(sparsity >= 0 && sparsity <= 1)) throw new Error(`expected a sparsity from 0 to 1, found ${sparsity}`)
  return n - Math.round(sparsity * n)
}
