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
 * Zeros of all stored tensors of floats, and of whole numbers that stand for floats; a weight is zero where its layer multiplies with zero. `changes`: tensors
 * whose values are others than those of the file, by key. `found`: what {@link storedWeights} has found, where that is known.
 */
export function countZeros(
  file: OnnxFile,
  changes: ReadonlyMap<string, StoredTensor> = new Map(),
  found: StoredWeights = storedWeights(file),
): { weights: (ZeroCount & { key: string })[]; all: ZeroCount } {
  const weighed = new Map([...found.weights, ...found.quantized].map((one) => [one.key, one.weigh] as const))
  const counts = new Map<string, ZeroCount>()
  for (const { key, tensor } of placesOf(file.proto)) {
    const weigh = weighed.get(key)
    const floating = isFloating(dtypes[typeOf(tensor)])
    if (!weigh && !floating) continue
    const values = changes.get(key) ?? file.stored.get(key)!()
    const numbers = weigh ? weigh(values).magnitudes : numbersOf(values)
    counts.set(key, { size: sizeOf(values.shape), zeros: zerosOf(numbers) })
  }
  const all = { size: 0, zeros: 0 }
  for (const { size, zeros } of counts.values()) {
    all.size += size
    all.zeros += zeros
  }
  return { weights: found.weights.map(({ key }) => ({ key, ...counts.get(key)! })), all }
}

function zerosOf(values: Float32Array | Float64Array): number {
  let zeros = 0
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++
  return zeros
}
