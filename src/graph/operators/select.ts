/** @file Selection: which of many values are the largest. */

import { attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, sizeOf, type Tensor } from '../tensor.ts'

/**
 * For each input a mask of its shape: 1 at exactly `keep` (an attribute) largest values of all inputs
 * together, 0 elsewhere. Ties go to the earlier input, then to the lower index. NaN counts as large. Nothing
 * flows back.
 */
export const SelectTop: Operator = {
  name: 'SelectTop',
  infer: (inputs, attributes) => {
    const keep = attribute<number>(attributes, 'keep', 0)
    const total = inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    const valid = Number.isInteger(keep) && keep >= 0 && keep <= total
    check(valid, 'SelectTop', () => `expected to keep 0 to ${total} values, found ${keep}`)
    return inputs.map((input) => {
      check(!input.batched, 'SelectTop', () => `${describe(input)} runs over samples`)
      return { shape: input.shape, batched: false }
    })
  },
}

export const selectTop = (graph: Builder, values: readonly Tensor[], keep: number): Tensor[] =>
  graph.apply(SelectTop, values, { keep })
