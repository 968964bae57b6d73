/**
 * @file Models pruned by value, and what layers multiply with before and after, as ONNX Runtime computes it.
 */
import { expect } from 'vitest'
import { onnxBytes } from '../../../src/formats/onnx/export.ts'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { withTensors } from '../../../src/formats/onnx/rewrite.ts'
import { storedWeights } from '../../../src/formats/onnx/weights.ts'
import { pruneOnnx } from '../../../src/methods/by-value/prune-onnx.ts'
import type { Removing } from '../../../src/methods/by-value/removals.ts'
import { runModel } from '../../support/onnx.ts'

export type Feeds = Record<string, { shape: readonly number[]; values: ArrayLike<number> }>

/** The unit matrix: a product with it is what it is multiplied with. */
export const unit = (n: number) => ({
  shape: [n, n],
  values: Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0)),
})

export const weightsIn = (bytes: Uint8Array) => storedWeights(parseOnnx(bytes, 'm.onnx'))

/** Reasons by key. */
export const reasonsIn = (bytes: Uint8Array) =>
  Object.fromEntries(weightsIn(bytes).untouched.map(({ key, reason }) => [key, reason]))

export function pruned(bytes: Uint8Array, sparsity: number, options: Partial<Removing> = {}) {
  const file = parseOnnx(bytes, 'm.onnx')
  const { weights } = storedWeights(file)
  const removing = { method: 'magnitude', scope: 'global', seed: 0, ...options, sparsity } as const
  const result = pruneOnnx(weights, removing)
  return { ...result, bytes: onnxBytes(withTensors(file, result.changes)) }
}

/** Some outputs of a model, one after the other. */
export async function outputs(bytes: Uint8Array, names: readonly string[], feeds: Feeds): Promise<number[]> {
  const found = await runModel(bytes, new Map(Object.entries(feeds)))
  return names.flatMap((name) => [...found.get(name)!])
}

/** The smallest share of numbers set to zero; none of them may be as large as another. */
export function withoutSmallest(values: readonly number[], share: number): number[] {
  const sizes = values.map(Math.abs).sort((a, b) => a - b)
  const count = Math.round(share * values.length)
  const least = sizes[count]
  return values.map((value) => (Math.abs(value) < least ? 0 : value))
}

/**
 * That pruning leaves of these outputs, which hold all weights as layers multiply with them, exactly what is
 * largest.
 */
export async function expectPruned(
  bytes: Uint8Array,
  names: readonly string[],
  feeds: Feeds,
  share = 0.5,
): Promise<void> {
  const before = await outputs(bytes, names, feeds)
  const { bytes: made, tensors } = pruned(bytes, share)
  const after = await outputs(made, names, feeds)
  expect(after.map((value) => value + 0)).toEqual(withoutSmallest(before, share))
  expect(after.filter((value) => value === 0)).toHaveLength(Math.round(share * before.length))
  const left = tensors.reduce((sum, { kept }) => sum + kept, 0)
  expect(left).toBe(after.filter((value) => value !== 0).length)
}
