/**
 * @file Pruning that looks at stored weights alone: no data, no derivatives, and no network that has to run.
 */
import { type TensorFile, toFloats } from '../../formats/safetensors-bytes.ts'
import { withZeros } from '../../formats/with-zeros.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import { finite } from '../../util/checks.ts'
import { type Removing, removals } from './removals.ts'

export { isStored, type StoredMethod } from './removals.ts'

export interface StoredPruning extends Removing {
  /** Names of the tensors. */
  tensors: readonly string[]
}

export interface PrunedFile {
  file: TensorFile
  /** What is left of each tensor: values that are not zero. */
  layers: LayerCount[]
}

/**
 * The file with zeros in so many places that the tensors have as many as asked for, or as many as they had,
 * if those are more. All else keeps its bits. Throws UserError where a weight is not finite.
 */
export function pruneStored(file: TensorFile, { tensors: names, ...removing }: StoredPruning): PrunedFile {
  const weights = names.map((name) => {
    const tensor = file.tensors.get(name)!
    return { name, shape: tensor.shape, magnitudes: () => finite(`tensor ${name}`, toFloats(tensor)).map(Math.abs) }
  })
  const tensors = new Map(file.tensors)
  const layers: LayerCount[] = []
  for (const { index, removed, count } of removals(weights, removing)) {
    tensors.set(names[index], withZeros(file.tensors.get(names[index])!, removed))
    layers[index] = count
  }
  return { file: { ...file, tensors }, layers }
}
