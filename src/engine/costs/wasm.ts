/** @file Costs of wasm kernels, as `node scripts/costs.mjs wasm` measured them. */
import type { CostTable } from '../cost.ts'

export const wasm: CostTable = {
  name: 'wasm',
  lanes: 4,
  date: '2026-11-29T12:45:52.292Z',
  processor: 'AMD EPYC',
  instructionSet: 'wasm',
  threads: 1,
  costs: {
    forward: {
      winograd: {
        dense: { multiplyAdd: 0.0338, value: 1.73, weight: 11.3, call: 0, error: 0.183 },
        sparse: { multiplyAdd: 0.0887, value: 0.381, weight: 20.4, call: 0, error: 0.25 },
      },
      direct: {
        dense: { multiplyAdd: 0.0935, value: 1.86, weight: 0, call: 0, error: 0.184 },
        sparse: { multiplyAdd: 0.11, value: 0.46, weight: 0, call: 0, error: 0.268 },
      },
      strided: {
        dense: { multiplyAdd: 0.103, value: 0.281, weight: 0.669, call: 0, error: 0.152 },
        sparse: { multiplyAdd: 0.104, value: 0.262, weight: 102, call: 0, error: 0.309 },
      },
      product: {
        dense: { multiplyAdd: 0.109, value: 0.913, weight: 0, call: 0, error: 0.159 },
        sparse: { multiplyAdd: 0.153, value: 0.345, weight: 53.1, call: 0, error: 0.309 },
      },
      linear: {
        dense: { multiplyAdd: 0.0907, value: 1.25, weight: 1.14, call: 1020, error: 0.143 },
        sparse: { multiplyAdd: 0.0746, value: 0.115, weight: 5.55, call: 512, error: 0.103 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.111, value: 0, weight: 0.45, call: 113000, error: 0.123 },
        sparse: { multiplyAdd: 0.191, value: 0, weight: 4.12, call: 4930, error: 0.258 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.134, value: 0.319, weight: 0, call: 941, error: 0.276 },
        sparse: { multiplyAdd: 0.298, value: 0.083, weight: 2.08, call: 0, error: 0.272 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.124, value: 0.099, weight: 1.16, call: 4040, error: 0.142 },
        sparse: { multiplyAdd: 0.173, value: 0, weight: 4.12, call: 1970, error: 0.392 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.136, value: 0, weight: 0, call: 227, error: 0.262 },
        sparse: { multiplyAdd: 0, value: 0.786, weight: 1.4, call: 170, error: 0.127 },
      },
    },
    step: {
      winograd: {
        dense: { multiplyAdd: 0.126, value: 4.56, weight: 32, call: 0, error: 0.097 },
        sparse: { multiplyAdd: 0.308, value: 1.21, weight: 43.8, call: 0, error: 0.102 },
      },
      direct: {
        dense: { multiplyAdd: 0.273, value: 11, weight: 0, call: 0, error: 0.0949 },
        sparse: { multiplyAdd: 0.302, value: 2.1, weight: 7.81, call: 0, error: 0.204 },
      },
      strided: {
        dense: { multiplyAdd: 0.333, value: 0.784, weight: 0, call: 0, error: 0.124 },
        sparse: { multiplyAdd: 0.406, value: 1.33, weight: 0, call: 0, error: 0.225 },
      },
      product: {
        dense: { multiplyAdd: 0.258, value: 3.06, weight: 9.96, call: 78700, error: 0.0627 },
        sparse: { multiplyAdd: 0.412, value: 1.45, weight: 157, call: 0, error: 0.166 },
      },
      linear: {
        dense: { multiplyAdd: 0.281, value: 1.64, weight: 5.02, call: 605, error: 0.0875 },
        sparse: { multiplyAdd: 0.284, value: 0.352, weight: 21.5, call: 1710, error: 0.0798 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.338, value: 4, weight: 1.29, call: 105000, error: 0.137 },
        sparse: { multiplyAdd: 0.508, value: 0, weight: 37.5, call: 25600, error: 0.216 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.396, value: 2.13, weight: 0, call: 3490, error: 0.123 },
        sparse: { multiplyAdd: 0.824, value: 4.05, weight: 35.7, call: 0, error: 0.211 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.263, value: 2.36, weight: 3.72, call: 6060, error: 0.0441 },
        sparse: { multiplyAdd: 0.512, value: 0.697, weight: 22.7, call: 11300, error: 0.404 },
      },
      fewLinear: {
        dense: { multiplyAdd: 1.84, value: 0, weight: 0, call: 172, error: 0.0378 },
        sparse: { multiplyAdd: 0, value: 9.54, weight: 17.4, call: 324, error: 0.0434 },
      },
    },
  },
}
