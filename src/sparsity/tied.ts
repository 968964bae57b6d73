/**
 * @file Tied weights, after HashedNets (Chen et al. 2015, arXiv 1504.04788), without their hash and signs:
 * the n weights of a tensor are copies of the r = round((1 - s) n) entries of a bank, which are all that is
 * learned.
 *
 *     w[order[i]] = bank[i mod r]      order: a random permutation of 0 .. n - 1
 *
 * so that every entry has floor(n / r) or ceil(n / r) copies. The gradient of an entry is the sum over its
 * copies; rescaled, their mean, so that a step does not grow with the number of copies. There is no bank in
 * memory: copies begin equal and get the same gradient, momentum and decay, so they stay equal, bit for bit.
 *
 * With a coarser granularity runs of weights (the kernels of a convolution) are tied instead: n counts runs,
 * and an entry has a value for each of its weights.
 */
import { type Shape, sizeOf } from '../graph/tensor.ts'
import { random } from '../util/random.ts'
import { type RunName, runLength } from './granularity/runs.ts'

export const tiedSummary = 'weights are copies of the few entries of a bank (after HashedNets, Chen et al. 2015)'

export interface Tying {
  /** s: 1 minus the share of weights that can be learned, 0 to below 1. */
  sparsity: number
  /** Whether the gradient of an entry is the mean over its copies instead of the sum. Default false. */
  rescale?: boolean
  /** What is tied. Default: single weights. */
  granularity?: RunName
}

/** A tensor is `units` runs of `block` weights, copies of `entries` runs. */
export interface Bank {
  units: number
  block: number
  entries: number
}

/** At least one entry, whatever the sparsity. */
export function bankOf(shape: Shape, { sparsity, granularity = 'weight' }: Tying): Bank {
  const block = runLength(granularity, shape)
  const units = sizeOf(shape) / block
  return { units, block, entries: Math.max(1, Math.round((1 - sparsity) * units)) }
}

/** Weights of a tensor that can be learned. */
export function learnableCount(shape: Shape, tying: Tying): number {
  const { block, entries } = bankOf(shape, tying)
  return block * entries
}

/** Which units are copies of which entry: those of entry b are order[b], order[b + entries], ... */
export const drawOrder = (seed: number, name: string, { units }: Bank): Int32Array =>
  Int32Array.from(random(seed, 'tie', name).permutation(units))

/** Gives all copies of an entry the values of its first. */
export function makeEqual(values: Float32Array | Float64Array, order: Int32Array, { block, entries }: Bank): void {
  for (let i = entries; i < order.length; i++) {
    const from = order[i % entries] * block
    values.copyWithin(order[i] * block, from, from + block)
  }
}
