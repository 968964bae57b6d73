/**
 * @file Convolutions and linear layers whose weight is held sparse: one value per nonzero and a pattern that
 * says where they are. They take the place of Conv, Gemm and their gradients when a graph has been
 * differentiated (see src/graph/sparsify.ts), so they have no gradient rules.
 *
 * Attributes: those of Conv, and `weight`, the shape [out, in] or [out, in, kh, kw] that the weight has as a
 * whole. x is [N, in] or [N, in, h, w]. Patterns are byte tensors that hold 32-bit integers
 * (src/engine/pattern.ts).
 */
import { attribute, check, type Operator } from '../operator.ts'
import { describe, type Shape } from '../tensor.ts'
import { Conv } from './conv.ts'

/** Inputs x, values, starts, places, optionally bias [out]. */
export const SparseConv: Operator = {
  name: 'SparseConv',
  infer: ([x, values, starts, , bias], attributes) => {
    const weight = attribute<Shape>(attributes, 'weight', [])
    check(starts.shape[0] === 4 * (weight[0] + 1), 'SparseConv', () => `${describe(starts)} is not for [${weight}]`)
    if (weight.length === 2) return [{ shape: [x.shape[0], weight[0]], batched: x.batched }]
    const { weight: _, relu: __, ...options } = attributes
    return Conv.infer([x, { ...values, shape: weight }, ...(bias ? [bias] : [])], options)
  },
}

/**
 * dx. Inputs dy, values, and starts, places and entries of the transposed pattern; attribute `shape`, that of
 * x.
 */
export const SparseConvInputGrad: Operator = {
  name: 'SparseConvInputGrad',
  infer: ([dy], attributes) => [{ shape: attribute<Shape>(attributes, 'shape', []), batched: dy.batched }],
}

/**
 * The gradients of the nonzeros. Inputs x, dy, starts, places. Result [parts, capacity]: over a batch cut
 * into `parts`, to be added up. The rest of the capacity is zero.
 */
export const SparseConvWeightGrad: Operator = {
  name: 'SparseConvWeightGrad',
  infer: (_inputs, attributes) => [
    { shape: [attribute(attributes, 'parts', 1), attribute(attributes, 'capacity', 1)], batched: false },
  ],
}
