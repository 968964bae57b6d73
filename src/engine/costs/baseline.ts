/** @file Costs of baseline kernels, as `node scripts/costs.mjs baseline` measured them. */
import type { CostTable } from '../cost.ts'

export const baseline: CostTable = {
  name: 'baseline',
  lanes: 4,
  date: '2026-11-29T12:16:01.869Z',
  processor: 'AMD EPYC',
  instructionSet: 'baseline',
  threads: 1,
  costs: {
    forward: {
      winograd: {
        dense: { multiplyAdd: 0.0304, value: 1.81, weight: 13.6, call: 0, error: 0.109 },
        sparse: { multiplyAdd: 0.0911, value: 0.402, weight: 11.7, call: 0, error: 0.149 },
      },
      direct: {
        dense: { multiplyAdd: 0.0814, value: 1.59, weight: 0, call: 0, error: 0.128 },
        sparse: { multiplyAdd: 0.0857, value: 0.524, weight: 1.84, call: 0, error: 0.223 },
      },
      strided: {
        dense: { multiplyAdd: 0.104, value: 1.87, weight: 12.1, call: 0, error: 0.141 },
        sparse: { multiplyAdd: 0.115, value: 0.211, weight: 5.71, call: 0, error: 0.221 },
      },
      product: {
        dense: { multiplyAdd: 0.108, value: 1.25, weight: 1.91, call: 20200, error: 0.106 },
        sparse: { multiplyAdd: 0.129, value: 0.507, weight: 7.11, call: 0, error: 0.19 },
      },
      linear: {
        dense: { multiplyAdd: 0.129, value: 0, weight: 0, call: 1090, error: 0.127 },
        sparse: { multiplyAdd: 0.112, value: 0, weight: 1.03, call: 281, error: 0.192 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.121, value: 0.776, weight: 0, call: 30700, error: 0.108 },
        sparse: { multiplyAdd: 0.0872, value: 0.138, weight: 2.62, call: 1140, error: 0.185 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.131, value: 0.329, weight: 0, call: 0, error: 0.0767 },
        sparse: { multiplyAdd: 0.14, value: 0.0786, weight: 1.79, call: 343, error: 0.273 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.105, value: 0.893, weight: 1.06, call: 3070, error: 0.065 },
        sparse: { multiplyAdd: 0.0998, value: 0.118, weight: 8.34, call: 1460, error: 0.301 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.0805, value: 0.00316, weight: 0, call: 172, error: 0.142 },
        sparse: { multiplyAdd: 11.7, value: 0, weight: 0, call: 298, error: 0.0547 },
      },
    },
    step: {
      winograd: {
        dense: { multiplyAdd: 0.117, value: 2.9, weight: 39.5, call: 359000, error: 0.111 },
        sparse: { multiplyAdd: 0.274, value: 0.965, weight: 101, call: 0, error: 0.142 },
      },
      direct: {
        dense: { multiplyAdd: 0.221, value: 9.17, weight: 0, call: 0, error: 0.13 },
        sparse: { multiplyAdd: 0.254, value: 1.55, weight: 0, call: 0, error: 0.186 },
      },
      strided: {
        dense: { multiplyAdd: 0.253, value: 6.98, weight: 32.3, call: 0, error: 0.149 },
        sparse: { multiplyAdd: 0.317, value: 0.993, weight: 16.8, call: 0, error: 0.213 },
      },
      product: {
        dense: { multiplyAdd: 0.33, value: 2.15, weight: 0, call: 0, error: 0.0775 },
        sparse: { multiplyAdd: 0.348, value: 0.782, weight: 0, call: 0, error: 0.254 },
      },
      linear: {
        dense: { multiplyAdd: 0.331, value: 0.832, weight: 1.46, call: 928, error: 0.0545 },
        sparse: { multiplyAdd: 0.303, value: 0.0725, weight: 9.42, call: 630, error: 0.099 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.338, value: 18.5, weight: 0.667, call: 26100, error: 0.0903 },
        sparse: { multiplyAdd: 0.368, value: 0, weight: 11.7, call: 22000, error: 0.406 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.628, value: 12.7, weight: 9.61, call: 121000, error: 0.0742 },
        sparse: { multiplyAdd: 0.732, value: 6.02, weight: 34.5, call: 0, error: 0.264 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.315, value: 1.37, weight: 1.98, call: 408, error: 0.04 },
        sparse: { multiplyAdd: 0.43, value: 0, weight: 20.3, call: 8090, error: 0.491 },
      },
      fewLinear: {
        dense: { multiplyAdd: 2.44, value: 0, weight: 0, call: 631, error: 0.0851 },
        sparse: { multiplyAdd: 42.1, value: 11.6, weight: 0, call: 769, error: 0.0217 },
      },
    },
  },
}
