/** @file Tables of costs that say whatever a test needs. */
import { type Cost, type CostTable, layerKinds, passes } from '../../src/engine/cost.ts'

const cost = (multiplyAdd: number): Cost => ({ multiplyAdd, value: 0, weight: 0, call: 0, error: 0 })

/** A table by which only multiply-adds count: nanoseconds of one on dense and on sparse kernels. */
export function tableOf(dense: number, sparse: number, lanes = 8, name = 'test'): CostTable {
  const kinds = Object.fromEntries(layerKinds.map((kind) => [kind, { dense: cost(dense), sparse: cost(sparse) }]))
  return {
    name,
    lanes,
    date: '2026-01-01T00:00:00.000Z',
    processor: 'none',
    instructionSet: 'avx2',
    threads: 1,
    costs: Object.fromEntries(passes.map((pass) => [pass, kinds])) as CostTable['costs'],
  }
}
