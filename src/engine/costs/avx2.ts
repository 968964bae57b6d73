/** @file Costs of avx2 kernels, as `node scripts/costs.mjs avx2` measured them. */
import type { CostTable } from '../cost.ts'

export const avx2: CostTable = {
  name: 'avx2',
  lanes: 8,
  date: '2026-11-29T12:38:41.607Z',
  processor: 'AMD EPYC',
  instructionSet: 'avx2',
  threads: 1,
  costs: {
    forward: {
      winograd: {
        dense: { multiplyAdd: 0.0107, value: 0.91, weight: 9.52, call: 0, error: 0.0949 },
        sparse: { multiplyAdd: 0.0464, value: 0.116, weight: 10.4, call: 0, error: 0.206 },
      },
      direct: {
        dense: { multiplyAdd: 0.0225, value: 0.625, weight: 2.7, call: 0, error: 0.167 },
        sparse: { multiplyAdd: 0.0417, value: 0.192, weight: 8.91, call: 0, error: 0.203 },
      },
      strided: {
        dense: { multiplyAdd: 0.0308, value: 0.147, weight: 2.83, call: 0, error: 0.18 },
        sparse: { multiplyAdd: 0.0589, value: 0.143, weight: 13.2, call: 0, error: 0.287 },
      },
      product: {
        dense: { multiplyAdd: 0.0279, value: 0.329, weight: 0, call: 11400, error: 0.155 },
        sparse: { multiplyAdd: 0.063, value: 0.319, weight: 13.5, call: 0, error: 0.203 },
      },
      linear: {
        dense: { multiplyAdd: 0.0266, value: 0.152, weight: 0.125, call: 183, error: 0.0783 },
        sparse: { multiplyAdd: 0.0585, value: 0, weight: 1.12, call: 277, error: 0.108 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.0281, value: 0.854, weight: 0.567, call: 13900, error: 0.0954 },
        sparse: { multiplyAdd: 0.0544, value: 0.0817, weight: 0.508, call: 1820, error: 0.151 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.0342, value: 0.0329, weight: 0.332, call: 2240, error: 0.186 },
        sparse: { multiplyAdd: 0.0589, value: 0.0132, weight: 1.55, call: 2040, error: 0.239 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0237, value: 0.286, weight: 0.487, call: 1680, error: 0.0922 },
        sparse: { multiplyAdd: 0.0479, value: 0.0858, weight: 1.52, call: 1200, error: 0.0814 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.0527, value: 0, weight: 0, call: 145, error: 0.0901 },
        sparse: { multiplyAdd: 0.944, value: 0.922, weight: 0, call: 124, error: 0.0459 },
      },
    },
    step: {
      winograd: {
        dense: { multiplyAdd: 0.036, value: 2.59, weight: 22.5, call: 0, error: 0.133 },
        sparse: { multiplyAdd: 0.118, value: 0.897, weight: 26.7, call: 0, error: 0.209 },
      },
      direct: {
        dense: { multiplyAdd: 0.0738, value: 3.58, weight: 0, call: 0, error: 0.127 },
        sparse: { multiplyAdd: 0.136, value: 0.957, weight: 0, call: 0, error: 0.192 },
      },
      strided: {
        dense: { multiplyAdd: 0.0913, value: 0.95, weight: 0, call: 0, error: 0.164 },
        sparse: { multiplyAdd: 0.179, value: 0.895, weight: 0, call: 0, error: 0.319 },
      },
      product: {
        dense: { multiplyAdd: 0.0756, value: 1.06, weight: 0.0541, call: 0, error: 0.19 },
        sparse: { multiplyAdd: 0.187, value: 0.71, weight: 25.7, call: 0, error: 0.222 },
      },
      linear: {
        dense: { multiplyAdd: 0.0769, value: 0.475, weight: 1.07, call: 347, error: 0.198 },
        sparse: { multiplyAdd: 0.157, value: 0, weight: 10.3, call: 955, error: 0.166 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.12, value: 0, weight: 0, call: 37000, error: 0.138 },
        sparse: { multiplyAdd: 0.178, value: 0.123, weight: 11.2, call: 6860, error: 0.145 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.117, value: 1.58, weight: 0, call: 7550, error: 0.177 },
        sparse: { multiplyAdd: 0.65, value: 5.62, weight: 0, call: 0, error: 0.133 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0818, value: 0.371, weight: 1.36, call: 6120, error: 0.14 },
        sparse: { multiplyAdd: 0.179, value: 0.153, weight: 17.5, call: 4950, error: 0.137 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.606, value: 0, weight: 0, call: 126, error: 0.207 },
        sparse: { multiplyAdd: 6.48, value: 0, weight: 0, call: 844, error: 0.153 },
      },
    },
  },
}
