/** @file Costs of baseline kernels, as `node scripts/costs.mjs baseline` measured them. */
import type { CostTable } from '../cost.ts'

export const baseline: CostTable = {
  name: 'baseline',
  lanes: 4,
  date: '2026-11-29T12:42:10.994Z',
  processor: 'AMD EPYC',
  instructionSet: 'baseline',
  threads: 1,
  costs: {
    forward: {
      winograd: {
        dense: { multiplyAdd: 0.0357, value: 0.705, weight: 10.1, call: 0, error: 0.123 },
        sparse: { multiplyAdd: 0.0887, value: 0.187, weight: 14.2, call: 0, error: 0.187 },
      },
      direct: {
        dense: { multiplyAdd: 0.0817, value: 1.6, weight: 0, call: 0, error: 0.138 },
        sparse: { multiplyAdd: 0.0878, value: 0.331, weight: 0, call: 0, error: 0.182 },
      },
      strided: {
        dense: { multiplyAdd: 0.108, value: 0.19, weight: 6.9, call: 0, error: 0.0924 },
        sparse: { multiplyAdd: 0.112, value: 0.226, weight: 9.78, call: 0, error: 0.253 },
      },
      product: {
        dense: { multiplyAdd: 0.116, value: 0.695, weight: 1.9, call: 0, error: 0.101 },
        sparse: { multiplyAdd: 0.134, value: 0.27, weight: 0, call: 0, error: 0.241 },
      },
      linear: {
        dense: { multiplyAdd: 0.105, value: 1.4, weight: 0.402, call: 0, error: 0.103 },
        sparse: { multiplyAdd: 0.0986, value: 0.0739, weight: 1.66, call: 532, error: 0.161 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.12, value: 0.554, weight: 0, call: 27800, error: 0.112 },
        sparse: { multiplyAdd: 0.103, value: 0.0458, weight: 0, call: 1320, error: 0.188 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.114, value: 0.394, weight: 0.588, call: 0, error: 0.0818 },
        sparse: { multiplyAdd: 0.0914, value: 0.127, weight: 2.81, call: 44.2, error: 0.152 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.124, value: 0.287, weight: 0, call: 1050, error: 0.133 },
        sparse: { multiplyAdd: 0.101, value: 0.126, weight: 1.04, call: 262, error: 0.182 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0, value: 0.596, weight: 0.0986, call: 211, error: 0.0683 },
        sparse: { multiplyAdd: 0.945, value: 2.89, weight: 0, call: 79.8, error: 0.103 },
      },
    },
    step: {
      winograd: {
        dense: { multiplyAdd: 0.108, value: 6.08, weight: 38.2, call: 125000, error: 0.111 },
        sparse: { multiplyAdd: 0.308, value: 1.55, weight: 12.8, call: 0, error: 0.124 },
      },
      direct: {
        dense: { multiplyAdd: 0.247, value: 8.8, weight: 0, call: 0, error: 0.225 },
        sparse: { multiplyAdd: 0.29, value: 0.915, weight: 0, call: 0, error: 0.279 },
      },
      strided: {
        dense: { multiplyAdd: 0.301, value: 0.918, weight: 24.8, call: 0, error: 0.165 },
        sparse: { multiplyAdd: 0.36, value: 1.11, weight: 0, call: 0, error: 0.288 },
      },
      product: {
        dense: { multiplyAdd: 0.341, value: 1.97, weight: 0, call: 0, error: 0.0567 },
        sparse: { multiplyAdd: 0.366, value: 0.819, weight: 0, call: 0, error: 0.228 },
      },
      linear: {
        dense: { multiplyAdd: 0.334, value: 0.404, weight: 1.73, call: 1210, error: 0.0917 },
        sparse: { multiplyAdd: 0.324, value: 0.0356, weight: 9.66, call: 542, error: 0.126 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.408, value: 5.31, weight: 0, call: 23900, error: 0.136 },
        sparse: { multiplyAdd: 0.448, value: 0, weight: 8.24, call: 9680, error: 0.367 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.446, value: 0.702, weight: 0.588, call: 0, error: 0.159 },
        sparse: { multiplyAdd: 0.664, value: 3.98, weight: 41.1, call: 0, error: 0.188 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.336, value: 0.512, weight: 5.37, call: 4230, error: 0.143 },
        sparse: { multiplyAdd: 0.394, value: 0.0239, weight: 32.3, call: 7900, error: 0.518 },
      },
      fewLinear: {
        dense: { multiplyAdd: 1.05, value: 0, weight: 0, call: 201, error: 0.0605 },
        sparse: { multiplyAdd: 0, value: 6.56, weight: 15, call: 363, error: 0.0459 },
      },
    },
  },
}
