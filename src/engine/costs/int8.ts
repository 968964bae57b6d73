/**
 * @file What layers of bytes cost that compute all groups of four weights, or skip those that are all zero: which is
 * faster, and by how much.
 */
import type { InstructionSet } from '../machine.ts'

/** A layer of bytes, as the kernels of src/engine/kernels/int8-conv.ts have it. */
export interface Int8Amounts {
  /** Positions of an output, samples counted. */
  positions: number
  /** Groups of four weights, and those of them that are not all zero. */
  groups: number
  nonzeroGroups: number
}

/**
 * How many times faster a layer is on kernels that skip groups of zeros.
 */
export function int8SparseGain({ nonzeroGroups, groups }: Int8Amounts, _set: InstructionSet): number {
  return groups / (1.6 * nonzeroGroups)
}
