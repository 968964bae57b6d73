/** @file Costs of avx512 kernels, as `node scripts/costs.mjs avx512` measured them. */
import type { CostTable } from '../cost.ts'

export const avx512: CostTable = {
  name: 'avx512',
  lanes: 16,
  date: '2026-11-29T22:58:15.564Z',
  processor: 'Intel(R) Xeon(R) Processor',
  instructionSet: 'avx512',
  threads: 1,
  costs: {
    forward: {
      winograd: {
        dense: { multiplyAdd: 0.00489, value: 0.402, weight: 7.55, call: 0, error: 0.109 },
        sparse: { multiplyAdd: 0.0217, value: 0.0578, weight: 6.38, call: 0, error: 0.212 },
      },
      direct: {
        dense: { multiplyAdd: 0.0116, value: 0.0959, weight: 0, call: 0, error: 0.133 },
        sparse: { multiplyAdd: 0.0155, value: 0.199, weight: 6.39, call: 0, error: 0.359 },
      },
      strided: {
        dense: { multiplyAdd: 0.0158, value: 0.0254, weight: 0, call: 7960, error: 0.17 },
        sparse: { multiplyAdd: 0.029, value: 0.0816, weight: 5.53, call: 0, error: 0.394 },
      },
      product: {
        dense: { multiplyAdd: 0.0145, value: 0.0974, weight: 0, call: 0, error: 0.273 },
        sparse: { multiplyAdd: 0.0381, value: 0.129, weight: 0, call: 0, error: 0.441 },
      },
      linear: {
        dense: { multiplyAdd: 0.00982, value: 0.0868, weight: 0.192, call: 113, error: 0.0684 },
        sparse: { multiplyAdd: 0.0201, value: 0, weight: 1.25, call: 241, error: 0.0858 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.0184, value: 0.406, weight: 0.258, call: 14500, error: 0.136 },
        sparse: { multiplyAdd: 0.0289, value: 0.0484, weight: 1.14, call: 915, error: 0.125 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.0183, value: 0.119, weight: 0.396, call: 2050, error: 0.117 },
        sparse: { multiplyAdd: 0.0333, value: 0.0243, weight: 1.33, call: 1720, error: 0.216 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0108, value: 0.0521, weight: 0.224, call: 489, error: 0.114 },
        sparse: { multiplyAdd: 0.018, value: 0.062, weight: 0.79, call: 244, error: 0.222 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.0307, value: 0.447, weight: 0, call: 95.2, error: 0.263 },
        sparse: { multiplyAdd: 0.827, value: 0, weight: 0, call: 160, error: 0.0893 },
      },
    },
    step: {
      winograd: {
        dense: { multiplyAdd: 0.0213, value: 1.04, weight: 19.1, call: 0, error: 0.0887 },
        sparse: { multiplyAdd: 0.0594, value: 0.394, weight: 19.8, call: 0, error: 0.154 },
      },
      direct: {
        dense: { multiplyAdd: 0.0321, value: 1.54, weight: 2.8, call: 0, error: 0.131 },
        sparse: { multiplyAdd: 0.056, value: 0.937, weight: 9.51, call: 0, error: 0.401 },
      },
      strided: {
        dense: { multiplyAdd: 0.0535, value: 0.261, weight: 0, call: 0, error: 0.193 },
        sparse: { multiplyAdd: 0.105, value: 0.417, weight: 0, call: 0, error: 0.366 },
      },
      product: {
        dense: { multiplyAdd: 0.0471, value: 0.714, weight: 0, call: 0, error: 0.247 },
        sparse: { multiplyAdd: 0.121, value: 0.639, weight: 0, call: 0, error: 0.427 },
      },
      linear: {
        dense: { multiplyAdd: 0.0361, value: 0.289, weight: 1.14, call: 0, error: 0.245 },
        sparse: { multiplyAdd: 0.0699, value: 0, weight: 9.62, call: 868, error: 0.159 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.0534, value: 0, weight: 0.117, call: 35600, error: 0.106 },
        sparse: { multiplyAdd: 0.0764, value: 0.476, weight: 15.1, call: 2170, error: 0.109 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.0635, value: 0.148, weight: 0, call: 18800, error: 0.14 },
        sparse: { multiplyAdd: 0.335, value: 2.64, weight: 39.1, call: 0, error: 0.167 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0456, value: 0.207, weight: 0.895, call: 2070, error: 0.119 },
        sparse: { multiplyAdd: 0.108, value: 0, weight: 18.5, call: 1780, error: 0.206 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.431, value: 0, weight: 0, call: 0, error: 0.384 },
        sparse: { multiplyAdd: 5, value: 0, weight: 0, call: 580, error: 0.123 },
      },
    },
  },
}
