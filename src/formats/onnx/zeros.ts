/** @file How many numbers of a model are zero: of its weights, and of all that it stores. */
import { sizeOf } from '../../graph/tensor.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import type { OnnxFile } from './file.ts'
import { placesOf, typeOf } from './places.ts'
import { dtypes, isFloating, numbersOf } from './tensor.ts'
import { type StoredWeights, storedWeights } from './weights.ts'

export interface ZeroCount {
  size: number
  zeros: number
}

/**
 * Zeros of weights, as their layers multiply with them, and zeros among all that the file stores: of floats,
 * and of whole numbers that stand for floats, of which their zero points are zeros. `changes`: tensors whose
 * values are others than those of the file, by key. `found`: what {@link storedWeights} has found, where that
 * is known.
 */
export function countZeros(
  file: OnnxFile,
  changes: ReadonlyMap<string, StoredTensor> = new Map(),
  found: StoredWeights = storedWeights(file),
): { weights: (ZeroCount & { key: string })[]; all: ZeroCount } {
  const weighed = new Map([...found.weights, ...found.quantized].map((one) => [one.key, one.weigh] as const))
  const weights = new Map(found.weights.map(({ key }): [string, ZeroCount] => [key, { size: 0, zeros: 0 }]))
  const all = { size: 0, zeros: 0 }
  for (const { key, tensor } of placesOf(file.proto)) {
    const floating = isFloating(dtypes[typeOf(tensor)])
    const weigh = weighed.get(key)
    if (!weigh && !floating) continue
    const values = changes.get(key) ?? file.stored.get(key)!()
    const stands = weigh?.(values)
    const size = sizeOf(values.shape)
    if (stands && weights.has(key)) weights.set(key, { size, zeros: equal(stands.magnitudes, 0) })
    all.size += size
    all.zeros += equal(numbersOf(values), stands && !floating ? stands.zeros : 0)
  }
  return { weights: [...weights].map(([key, count]) => ({ key, ...count })), all }
}

/** How many numbers are those of another list, or one number. */
function equal(values: Float32Array | Float64Array, to: number | ArrayLike<number>): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (values[i] === (typeof to === 'number' ? to : to[i])) count++
  return count
}
