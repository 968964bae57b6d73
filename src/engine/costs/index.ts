/**
 * @file The table of costs of each instruction set: what `auto` goes by where no other is given. They are
 * fixed, so that runs on machines of one kind choose the same kernels; `node scripts/costs.mjs` measures them
 * anew.
 */
import type { CostTable } from '../cost.ts'
import type { InstructionSet, Machine } from '../machine.ts'
import { avx2 as measured } from './avx2.ts'
import { avx2Steps } from './avx2-steps.ts'
import { avx512 } from './avx512.ts'
import { baseline } from './baseline.ts'
import { wasm } from './wasm.ts'

const { forward, step } = measured.costs
const avx2: CostTable = { ...measured, costs: { forward, step: { ...step, ...avx2Steps } } }

export const costTables: Readonly<Record<InstructionSet, CostTable>> = {
  avx2,
  avx512,
  baseline,
  wasm,
  // Not measured: its name says whose constants it has.
  neon: { ...baseline, name: 'neon (as baseline)' },
  // Nor this, whose costs differ from card to card.
  webgpu: { ...avx512, name: 'webgpu (as avx512)' },
  // The reference machine chooses as most others do.
  float64: avx2,
}

/** The table of a machine's instruction set. */
export const costsOf = ({ instructionSet }: Pick<Machine, 'instructionSet'>): CostTable => costTables[instructionSet]
