/**
 * @file The table of costs of each instruction set: what `auto` goes by where no other is given. They are
 * fixed, so that runs on machines of one kind choose the same kernels; `node scripts/costs.mjs` measures them
 * anew.
 */
import type { CostTable } from '../cost.ts'
import type { InstructionSet, Machine } from '../machine.ts'
import { avx2 as measured } from './avx2.ts'
import { avx2Steps } from './avx2-steps.ts'
import { baseline } from './baseline.ts'
import { wasm } from './wasm.ts'

const { forward, step } = measured.costs
const avx2: CostTable = { ...measured, costs: { forward, step: { ...step, ...avx2Steps } } }

export const costTables: Readonly<Record<InstructionSet, CostTable>> = {
  avx2,
  baseline,
  wasm,
  // These two were not measured: their names say whose constants they have.
  avx512: { ...avx2, name: 'avx512 (as avx2)', lanes: 16 },
  neon: { ...baseline, name: 'neon (as baseline)' },
  // The reference machine chooses as most others do.
  float64: avx2,
}

/** The table of a machine's instruction set. */
export const costsOf = ({ instructionSet }: Pick<Machine, 'instructionSet'>): CostTable => costTables[instructionSet]
