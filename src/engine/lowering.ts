/**
 * @file What a lowering is: how the nodes of one operator become kernel calls. One file per family in
 * `lowering/`.
 */
import type { Node } from '../graph/operator.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Instruction } from './kernel.ts'

/** Where a tensor lies in the arena, in floats. */
export type Placement = (tensor: Tensor) => number

export interface Lowering {
  /** The kernel calls of a node whose tensors have been placed. */
  emit(node: Node, at: Placement): Instruction[]
  /**
   * Whether output 0 is input 0's memory under another shape; such a node emits nothing where both may share
   * it.
   */
  aliases?(node: Node): boolean
  /** Inputs whose memory output 0 may take over when nothing needs them afterwards. */
  inPlace?(node: Node): number[]
  /** The same for further outputs, by their numbers. No two outputs take over the same memory. */
  laterInPlace?(node: Node): Readonly<Record<number, number[]>>
}
