/**
 * @file What layers of bytes cost that multiply with all weights, and those that skip groups of four weights
 * that are all zero. Measured as the time of a nonzero group over that of any group of a layer that skips
 * none, since what comes before and after sums is the same: MobileNetV1's layers of one image with random
 * zeros, on one thread.
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

interface GroupCost {
  /** What a nonzero group costs that is found by its place. */
  many: number
  /** The same for fewer positions than half a vector has, where lanes run over outputs or groups. */
  few: number
  /** Positions of half a vector. */
  half: number
}

/**
 * AVX-512 with VNNI, AVX2 with AVX-VNNI, SSE2 and WebAssembly were measured; without these instructions, and
 * on NEON, a group costs at most as much more.
 */
const costs: Readonly<Record<InstructionSet, GroupCost>> = {
  avx512: { many: 1.8, few: 25, half: 8 },
  avx2: { many: 1.2, few: 25, half: 4 },
  baseline: { many: 1.25, few: 12, half: 2 },
  neon: { many: 1.25, few: 12, half: 2 },
  wasm: { many: 0.8, few: 12, half: 2 },
  webgpu: { many: 1.25, few: 12, half: 2 },
  float64: { many: 1, few: 1, half: 0 },
}

/** How many times faster a layer is on kernels that skip groups of zeros; infinite where all are zero. */
export function int8SparseGain({ positions, groups, nonzeroGroups }: Int8Amounts, set: InstructionSet): number {
  const { many, few, half } = costs[set]
  return groups / ((positions > half ? many : few) * nonzeroGroups)
}
