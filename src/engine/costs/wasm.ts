/** @file Costs of wasm kernels, as `node scripts/costs.mjs wasm` measured them. */
import type { CostTable } from '../cost.ts'

export const wasm: CostTable = {
  name: 'wasm',
  lanes: 4,
  date: '2026-11-29T11:57:03.107Z',
  processor: 'AMD EPYC',
  instructionSet: 'wasm',
  threads: 1,
  costs: {
    forward: {
      winograd: {
        dense: { multiplyAdd: 0.0307, value: 3.96, weight: 15.6, call: 0, error: 0.142 },
        sparse: { multiplyAdd: 0.103, value: 0.639, weight: 29.7, call: 0, error: 0.252 },
      },
      direct: {
        dense: { multiplyAdd: 0.0851, value: 2.66, weight: 16.5, call: 0, error: 0.0831 },
        sparse: { multiplyAdd: 0.0706, value: 0.977, weight: 201, call: 0, error: 0.203 },
      },
      strided: {
        dense: { multiplyAdd: 0.0872, value: 3.05, weight: 21, call: 0, error: 0.195 },
        sparse: { multiplyAdd: 0.113, value: 0.304, weight: 63.6, call: 0, error: 0.335 },
      },
      product: {
        dense: { multiplyAdd: 0.0962, value: 1.2, weight: 2.39, call: 0, error: 0.138 },
        sparse: { multiplyAdd: 0.117, value: 0.561, weight: 165, call: 0, error: 0.259 },
      },
      linear: {
        dense: { multiplyAdd: 0.104, value: 0.502, weight: 0.523, call: 0, error: 0.188 },
        sparse: { multiplyAdd: 0.104, value: 0.0652, weight: 2.27, call: 0, error: 0.174 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.126, value: 0.953, weight: 0, call: 67900, error: 0.269 },
        sparse: { multiplyAdd: 0.126, value: 0.16, weight: 12.1, call: 6330, error: 0.304 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.111, value: 0.637, weight: 1.03, call: 0, error: 0.213 },
        sparse: { multiplyAdd: 0.185, value: 0.404, weight: 8.57, call: 0, error: 0.208 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.0889, value: 0.823, weight: 2.83, call: 637, error: 0.0869 },
        sparse: { multiplyAdd: 0.109, value: 0.118, weight: 9.21, call: 1100, error: 0.336 },
      },
      fewLinear: {
        dense: { multiplyAdd: 0.133, value: 0, weight: 0, call: 139, error: 0.161 },
        sparse: { multiplyAdd: 0, value: 0.00907, weight: 12.6, call: 275, error: 0.0518 },
      },
    },
    step: {
      winograd: {
        dense: { multiplyAdd: 0.0963, value: 9.7, weight: 79.4, call: 0, error: 0.0768 },
        sparse: { multiplyAdd: 0.295, value: 2.4, weight: 119, call: 43500, error: 0.0736 },
      },
      direct: {
        dense: { multiplyAdd: 0.288, value: 14.3, weight: 0, call: 845000, error: 0.0747 },
        sparse: { multiplyAdd: 0.293, value: 2.76, weight: 173, call: 0, error: 0.148 },
      },
      strided: {
        dense: { multiplyAdd: 0.342, value: 10.8, weight: 22.4, call: 0, error: 0.154 },
        sparse: { multiplyAdd: 0.37, value: 2.11, weight: 108, call: 1210000, error: 0.0992 },
      },
      product: {
        dense: { multiplyAdd: 0.281, value: 3.77, weight: 19.4, call: 0, error: 0.114 },
        sparse: { multiplyAdd: 0.456, value: 2, weight: 360, call: 0, error: 0.182 },
      },
      linear: {
        dense: { multiplyAdd: 0.36, value: 0.253, weight: 0.557, call: 15300, error: 0.132 },
        sparse: { multiplyAdd: 0.378, value: 0.444, weight: 18, call: 853, error: 0.161 },
      },
      fewDirect: {
        dense: { multiplyAdd: 0.298, value: 34.3, weight: 15.2, call: 154000, error: 0.128 },
        sparse: { multiplyAdd: 0.336, value: 1.09, weight: 59.7, call: 8210, error: 0.191 },
      },
      fewStrided: {
        dense: { multiplyAdd: 0.712, value: 28.4, weight: 5, call: 0, error: 0.181 },
        sparse: { multiplyAdd: 1.07, value: 4.27, weight: 23.3, call: 0, error: 0.245 },
      },
      fewProduct: {
        dense: { multiplyAdd: 0.265, value: 2.85, weight: 6.43, call: 228, error: 0.08 },
        sparse: { multiplyAdd: 0.484, value: 0.704, weight: 44.1, call: 4710, error: 0.399 },
      },
      fewLinear: {
        dense: { multiplyAdd: 5.49, value: 0, weight: 0, call: 94.3, error: 0.238 },
        sparse: { multiplyAdd: 48.1, value: 13.5, weight: 0, call: 1280, error: 0.0903 },
      },
    },
  },
}
