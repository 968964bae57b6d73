/** @file What a block of a network is to the tests of channel groups. */
import type { Net } from './net.ts'

export interface Block {
  /** Of the input x; the first size is that of the samples. */
  input: readonly (number | string)[]
  /** Appends the block and returns its scores. */
  build(net: Net): string
  opset?: number
  /** Of its weights, when channels are pruned. Default: a half. */
  sparsity?: number
  /** By the layers that make the channels of a group, how many groups can go. */
  groups: Record<string, number>
  /** Why channels of other layers stay. */
  stay?: Record<string, string>
}

/** What says why the layers before the scores keep their channels. */
export const OUTPUTS = { 'head.weight': 'its channels are outputs of the network' }
