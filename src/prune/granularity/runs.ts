/**
 * @file Runs: parts of a weight whose values lie side by side. A kernel [out, in, kh, kw] has rows of kw weights, slices of kh kw (one for each pair of channels) and filters of all that makes
 * an output channel. Linear layers have single weights only.
 */
import { type Shape, sizeOf } from '../../graph/tensor.ts'

/** Which runs there are, by how many axes of a kernel they lie behind. */
const axes = { weight: 4, row: 3, kernel: 2, filter: 1 } as const

export type RunName = keyof typeof axes
export const runNames = Object.keys(axes) as [RunName, ...RunName[]]

/** Weights of one run of a tensor. */
export const runLength = (name: RunName, shape: Shape): number =>
  shape.length === 4 ? sizeOf(shape.slice(axes[name])) : 1
