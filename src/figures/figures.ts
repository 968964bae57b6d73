/**
 * @file What the weights of a network come to: how many there are and are not zero, the multiply-adds that
 * they take, and what they take stored.
 */
import { brotliBytes } from '../formats/brotli.ts'
import { encodeSafetensors, type TensorFile, toFloats } from '../formats/safetensors.ts'
import { packSparse } from '../formats/sparse.ts'
import type { Model } from '../models/model.ts'
import { countNonzeros } from '../sparsity/count.ts'
import type { LayerCount } from '../sparsity/mask.ts'
import { type MultiplyAdds, multiplyAddsOf, weightCosts } from '../sparsity/multiply-adds.ts'
import { prunableTensors } from '../sparsity/tensors.ts'

export interface WeightFigures {
  /** By tensor. */
  layers: LayerCount[]
  weights: number
  nonzeros: number
  /** Of one sample. */
  multiplyAdds: MultiplyAdds
}

/** Of some tensors of a network, of which `file` has the values; all that can be pruned, if not given. */
export function weightFigures(
  model: Model,
  { tensors }: Pick<TensorFile, 'tensors'>,
  names: readonly string[] = prunableTensors(model).map(({ name }) => name),
): WeightFigures {
  const layers = names.map((name): LayerCount => {
    const values = toFloats(tensors.get(name)!)
    return { name, size: values.length, kept: countNonzeros(values) }
  })
  const sum = (of: 'size' | 'kept') => layers.reduce((all, one) => all + one[of], 0)
  return {
    layers,
    weights: sum('size'),
    nonzeros: sum('kept'),
    multiplyAdds: multiplyAddsOf(weightCosts(model), layers),
  }
}

/** How a network may be stored: as safetensors with all values, with zeros left out, that compressed. */
export const storedForms = ['dense', 'sparse', 'brotli'] as const
export type StoredForm = (typeof storedForms)[number]

/** Bytes of a network as a safetensors file, stored in one of the forms. */
export function storedSize(file: TensorFile, form: StoredForm): number {
  if (form === 'dense') return encodeSafetensors(file).length
  const stored = encodeSafetensors(packSparse(file))
  return form === 'sparse' ? stored.length : brotliBytes(stored)
}
