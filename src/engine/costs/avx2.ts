/** @file Costs of avx2 kernels, as `node scripts/costs.mjs avx2` measured them. */
import type { CostTable } from '../cost.ts'

export const avx2: CostTable = {
  name: 'avx2',
  lanes: 8,
  date: '2026-11-29T11:37:32.799Z',
  processor: 'AMD EPYC',
  instructionSet: 'avx2',
  threads: 1,
  costs: {
    forward: {
      winograd: {
        dense: { multiplyAdd: 0.0111, value: 0.667, weight: 11.5, call: 22300, error: 0.0479 },
        sparse: { multiplyAdd: 0.0496, value: 0.233, weight: 15.9, call: 0, error: 0.159 },
      },
      direct: {
        dense: { multiplyAdd: 0.0238, value: 0.507, weight: 0, call: 0, error: 0.228 },
        sparse: { multiplyAdd: 0.0308, value: 0.343, weight: 72.7, call: 0, error: 0.206 },
      },
      strided: {
        dense: { multiplyAdd: 0.0252, value: 0.674, weight: 6.84, call: 589000, error: 0.201 },
        sparse: { multiplyAdd: 0.0483, value: 0.28, weight: 34.1, call: 0, error: 0.238 },
      },
      product: {
        dense: { multiplyAdd: 0.0314, value: 0.321, weight: 0, call: 0, error: 0.164 },
        sparse: { multiplyAdd: 0.0692, value: 0.291, weight: 25.4, call: 0, error: 0.306 },
      },
      linear: {
        dense: { multiplyAdd: 0.0192, value: 0.292, weight: 0.925, call: 0, error: 0.112 },
        sparse: { multiplyAdd: 0.0523, value: 0.0422, weight: 1.63, call: 0, error: 0.145 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.0325, value: 0.415, weight: 0, call: 34600, error: 0.231 },
        sparse: { multiplyAdd: 0.0481, value: 0.155, weight: 2.67, call: 1820, error: 0.161 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.0398, value: 0.22, weight: 0, call: 0, error: 0.242 },
        sparse: { multiplyAdd: 0.0651, value: 0.155, weight: 3.3, call: 300, error: 0.247 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0327, value: 0.217, weight: 0, call: 2440, error: 0.185 },
        sparse: { multiplyAdd: 0.0552, value: 0.0603, weight: 3.04, call: 855, error: 0.188 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.0539, value: 0, weight: 0, call: 266, error: 0.142 },
        sparse: { multiplyAdd: 2.12, value: 0, weight: 0, call: 718, error: 0.148 },
      },
    },
    step: {
      winograd: {
        dense: { multiplyAdd: 0.0428, value: 0.966, weight: 23.1, call: 0, error: 0.0837 },
        sparse: { multiplyAdd: 0.144, value: 0.837, weight: 40.5, call: 0, error: 0.209 },
      },
      direct: {
        dense: { multiplyAdd: 0.0574, value: 4.12, weight: 76.8, call: 326000, error: 0.0728 },
        sparse: { multiplyAdd: 0.0902, value: 1.26, weight: 347, call: 0, error: 0.247 },
      },
      strided: {
        dense: { multiplyAdd: 0.0903, value: 4.47, weight: 0, call: 0, error: 0.23 },
        sparse: { multiplyAdd: 0.176, value: 1.4, weight: 58.5, call: 0, error: 0.144 },
      },
      product: {
        dense: { multiplyAdd: 0.0897, value: 0.986, weight: 0, call: 0, error: 0.14 },
        sparse: { multiplyAdd: 0.223, value: 0.649, weight: 47.6, call: 0, error: 0.308 },
      },
      linear: {
        dense: { multiplyAdd: 0.076, value: 0.472, weight: 2.41, call: 865, error: 0.0953 },
        sparse: { multiplyAdd: 0.125, value: 0.094, weight: 14.6, call: 1030, error: 0.136 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.086, value: 22.8, weight: 8.05, call: 64400, error: 0.195 },
        sparse: { multiplyAdd: 0.147, value: 0.641, weight: 17.7, call: 3290, error: 0.137 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.372, value: 23.7, weight: 1.56, call: 0, error: 0.181 },
        sparse: { multiplyAdd: 0.787, value: 6.9, weight: 7.61, call: 0, error: 0.224 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0821, value: 0.8, weight: 2.22, call: 0, error: 0.157 },
        sparse: { multiplyAdd: 0.174, value: 0.358, weight: 24.3, call: 1140, error: 0.141 },
      },
      fewLinear: {
        dense: { multiplyAdd: 1.56, value: 10.7, weight: 0, call: 0, error: 0.273 },
        sparse: { multiplyAdd: 13.4, value: 24.6, weight: 0, call: 82.9, error: 0.185 },
      },
    },
  },
}
