/** @file The weights of an ONNX file pruned by value alone, whether the model runs here or not. */

import { numbersOf } from '../../formats/onnx/tensor.ts'
import type { Weighed } from '../../formats/onnx/weights/weigh.ts'
import type { StoredWeight } from '../../formats/onnx/weights.ts'
import type { StoredTensor } from '../../formats/safetensors-bytes.ts'
import { withZeros } from '../../formats/with-zeros.ts'
import type { Scores } from '../../select/top.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import { finite } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { type Removing, removals } from './removals.ts'

export interface PrunedWeight extends LayerCount {
  shape: readonly number[]
  /** How many were not zero before. */
  before: number
}

export interface PrunedWeights {
  /** New values of tensors, by key, in their own types; of those that change alone. */
  changes: Map<string, StoredTensor>
  /** In the order given. */
  tensors: PrunedWeight[]
  /** Tensors, and layers that read parts of one, that have nothing left but had something before. */
  emptied: string[]
}

/**
 * Zeros in the place of the lowest weights, until the tensors have as many as asked for, or as many as they
 * had, if those are more. Throws UserError where a weight is not finite.
 */
export function pruneOnnx(weights: readonly StoredWeight[], removing: Removing): PrunedWeights {
  /** Numbers that stand for zero, where it is one for a whole tensor. */
  const zeros = new Map<StoredWeight, number>()
  const prunable = weights.map((weight) => ({
    name: weight.key,
    shape: weight.shape,
    magnitudes: () => {
      const found = finiteWeights(weight)
      if (typeof found.zeros === 'number') zeros.set(weight, found.zeros)
      return found.magnitudes
    },
  }))
  const changes: PrunedWeights['changes'] = new Map()
  const tensors: PrunedWeight[] = []
  const emptied: string[][] = []
  for (const { index, magnitudes, removed, count } of removals(prunable, removing)) {
    const weight = weights[index]
    const stored = weight.stored()
    const made = withZeros(stored, removed, zeros.get(weight) ?? weight.weigh(stored).zeros)
    if (made !== stored) changes.set(weight.key, made)
    const before = nonzeros(magnitudes)
    tensors[index] = { ...count, shape: weight.shape, before }
    emptied[index] = before > 0 && count.kept === 0 ? [weight.key] : emptiedParts(weight, magnitudes, removed)
  }
  return { changes, tensors, emptied: emptied.flat() }
}

/** |what layers multiply with|. Throws UserError where that is not finite. */
export const magnitudesOf = (weight: StoredWeight): Scores => finiteWeights(weight).magnitudes

function finiteWeights(weight: StoredWeight): Weighed {
  const found = weight.weigh(weight.stored())
  const { magnitudes } = found
  for (let i = 0; i < magnitudes.length; i++) {
    if (Number.isFinite(magnitudes[i])) continue
    finite(`tensor ${weight.key}`, numbersOf(weight.stored()))
    throw new UserError(`tensor ${weight.key} is scaled to ${magnitudes[i]} at index ${i}, expected finite values`)
  }
  return found
}

function emptiedParts(weight: StoredWeight, magnitudes: Scores, removed: Uint8Array): string[] {
  return weight.parts().flatMap(({ layer, elements }) => {
    const had = elements.some((i) => magnitudes[i] !== 0)
    const has = elements.some((i) => magnitudes[i] !== 0 && removed[i] === 0)
    return had && !has ? [`${layer}, a part of ${weight.key}`] : []
  })
}

function nonzeros(values: Scores): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) count++
  return count
}
