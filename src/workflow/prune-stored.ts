/** @file Pruning that looks at stored weights alone: no data, no derivatives, and no network that has to run. */
import type { TensorFile } from '../formats/safetensors.ts'
import { storeFloats, toFloats } from '../formats/safetensors.ts'
import type { LayerCount } from '../prune/mask.ts'
import { type ScopeName, scopes } from '../prune/scope.ts'
import { selectTop } from '../select/top.ts'
import { UserError } from '../util/errors.ts'
import { random } from '../util/random.ts'

/** Methods that know a weight by its value and place alone, with a line about each. */
export const storedMethods = {
  magnitude: 'the smallest |w|',
  random: 'any, each as likely as any other: the control',
} as const
export type StoredMethod = keyof typeof storedMethods

export interface StoredPruning {
  method: StoredMethod
  /** Share of zeros among the weights of the tensors. */
  sparsity: number
  /** Which weights compete. */
  scope: ScopeName
  /** Names of the tensors. */
  tensors: readonly string[]
  /** Of random draws. */
  seed: number
}

export interface PrunedFile {
  file: TensorFile
  layers: LayerCount[]
}

/** The file with zeros in the place of exactly as many weights as asked for. Throws UserError where a weight is not finite. */
export function pruneStored(
  file: TensorFile,
  { method, sparsity, scope, tensors: names, seed }: StoredPruning,
): PrunedFile {
  const layers = names.map((name) => {
    const { shape } = file.tensors.get(name)!
    const values = toFloats(file.tensors.get(name)!)
    const wrong = values.findIndex((value) => !Number.isFinite(value))
    if (wrong >= 0)
      throw new UserError(`tensor ${name} holds ${values[wrong]} at index ${wrong}, expected finite values`)
    const draw = random(seed, 'prune', name)
    const scores = method === 'magnitude' ? values.map(Math.abs) : Float64Array.from(values, () => draw.uniform())
    return { name, shape, values, scores, mask: new Float32Array(values.length) }
  })
  for (const { layers: group, keep } of scopes[scope].groups(layers, sparsity)) {
    const members = group.map(({ name }) => layers.find((layer) => layer.name === name)!)
    selectTop(
      members.map(({ scores }) => scores),
      keep,
      members.map(({ mask }) => mask),
    )
  }
  const tensors = new Map(file.tensors)
  for (const { name, shape, values, mask } of layers)
    tensors.set(
      name,
      storeFloats(
        values.map((value, i) => (mask[i] === 0 ? 0 : value)),
        shape,
      ),
    )
  const counts = layers.map(({ name, mask }) => ({
    name,
    size: mask.length,
    kept: mask.reduce((sum, bit) => sum + bit, 0),
  }))
  return { file: { ...file, tensors }, layers: counts }
}
