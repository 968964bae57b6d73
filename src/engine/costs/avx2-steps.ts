/**
 * @file Costs of training steps on whole vectors of AVX2, as they were read off `npm run bench
 * sparse-kernels` before there was calibration. Runs have gone by them since: with measured ones, whose
 * densities where sparse kernels begin to pay are up to a tenth away from these, the last bits of their
 * numbers would differ.
 */
import type { Cost, KindCosts } from '../cost.ts'

const cost = (multiplyAdd: number, value: number): Cost => ({ multiplyAdd, value, weight: 0, call: 0 })

/** Sparse kernels over maps: without a stride, and with one. */
const maps = cost(0.051, 0.46)
const strided = cost(0.063, 0.36)

const product: KindCosts = { dense: cost(0.0245, 0.4), sparse: cost(0.084, 0.13) }

export const avx2Steps = {
  winograd: { dense: cost(0.015, 0.84), sparse: maps },
  direct: { dense: cost(0.023, 1.6), sparse: maps },
  strided: { dense: cost(0.022, 2.5), sparse: strided },
  product,
  linear: product,
} satisfies Record<string, KindCosts>
