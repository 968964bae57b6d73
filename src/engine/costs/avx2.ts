/** @file Costs of avx2 kernels, as `node scripts/costs.mjs avx2` measured them. */
import type { CostTable } from '../cost.ts'

export const avx2: CostTable = {
  name: 'avx2',
  lanes: 8,
  date: '2026-11-29T12:08:37.779Z',
  processor: 'AMD EPYC',
  instructionSet: 'avx2',
  threads: 1,
  costs: {
    forward: {
      winograd: {
        dense: { multiplyAdd: 0.0125, value: 0.546, weight: 9.62, call: 0, error: 0.126 },
        sparse: { multiplyAdd: 0.0455, value: 0.112, weight: 22.7, call: 0, error: 0.251 },
      },
      direct: {
        dense: { multiplyAdd: 0.0229, value: 0.381, weight: 0, call: 0, error: 0.146 },
        sparse: { multiplyAdd: 0.0442, value: 0.173, weight: 2.58, call: 0, error: 0.184 },
      },
      strided: {
        dense: { multiplyAdd: 0.0275, value: 0.669, weight: 3.68, call: 0, error: 0.155 },
        sparse: { multiplyAdd: 0.06, value: 0.169, weight: 10.5, call: 0, error: 0.226 },
      },
      product: {
        dense: { multiplyAdd: 0.0323, value: 0.399, weight: 0, call: 0, error: 0.141 },
        sparse: { multiplyAdd: 0.069, value: 0.241, weight: 17.7, call: 0, error: 0.228 },
      },
      linear: {
        dense: { multiplyAdd: 0.0278, value: 0.277, weight: 0.171, call: 523, error: 0.131 },
        sparse: { multiplyAdd: 0.0592, value: 0, weight: 1.53, call: 678, error: 0.129 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.0315, value: 0.965, weight: 0.4, call: 736, error: 0.144 },
        sparse: { multiplyAdd: 0.0556, value: 0.119, weight: 2.26, call: 1400, error: 0.141 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.0393, value: 0.0623, weight: 0.0828, call: 3880, error: 0.136 },
        sparse: { multiplyAdd: 0.0687, value: 0.0188, weight: 2.51, call: 3380, error: 0.206 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0357, value: 0, weight: 0, call: 1280, error: 0.209 },
        sparse: { multiplyAdd: 0.0647, value: 0, weight: 1, call: 785, error: 0.281 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.0747, value: 0, weight: 0, call: 240, error: 0.382 },
        sparse: { multiplyAdd: 2.48, value: 0, weight: 0, call: 568, error: 0.199 },
      },
    },
    step: {
      winograd: {
        dense: { multiplyAdd: 0.0346, value: 1.9, weight: 39.6, call: 0, error: 0.0505 },
        sparse: { multiplyAdd: 0.129, value: 0.808, weight: 40.4, call: 0, error: 0.188 },
      },
      direct: {
        dense: { multiplyAdd: 0.0716, value: 2.91, weight: 0, call: 0, error: 0.0707 },
        sparse: { multiplyAdd: 0.128, value: 0.826, weight: 8.27, call: 0, error: 0.193 },
      },
      strided: {
        dense: { multiplyAdd: 0.0874, value: 2.4, weight: 0, call: 0, error: 0.149 },
        sparse: { multiplyAdd: 0.201, value: 0.622, weight: 0, call: 0, error: 0.198 },
      },
      product: {
        dense: { multiplyAdd: 0.0872, value: 0.848, weight: 1.75, call: 0, error: 0.147 },
        sparse: { multiplyAdd: 0.201, value: 0.561, weight: 48.9, call: 0, error: 0.222 },
      },
      linear: {
        dense: { multiplyAdd: 0.0851, value: 0.418, weight: 1.65, call: 147, error: 0.244 },
        sparse: { multiplyAdd: 0.166, value: 0, weight: 11.6, call: 842, error: 0.237 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.131, value: 13.4, weight: 3.93, call: 15500, error: 0.162 },
        sparse: { multiplyAdd: 0.15, value: 0.481, weight: 14.2, call: 4770, error: 0.0909 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.37, value: 19.9, weight: 10.3, call: 0, error: 0.22 },
        sparse: { multiplyAdd: 0.678, value: 7.39, weight: 24.5, call: 0, error: 0.31 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0867, value: 0.363, weight: 2.18, call: 1620, error: 0.157 },
        sparse: { multiplyAdd: 0.179, value: 0.205, weight: 23, call: 1700, error: 0.219 },
      },
      fewLinear: {
        dense: { multiplyAdd: 2, value: 10.7, weight: 0, call: 0, error: 0.337 },
        sparse: { multiplyAdd: 0, value: 22.7, weight: 14.1, call: 414, error: 0.216 },
      },
    },
  },
}
