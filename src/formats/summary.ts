/**
 * @file What can be said of a file of tensors without knowing the network.
 */
import { type StoredTensor, type TensorFile, toFloats } from './safetensors.ts'

export interface TensorSummary {
  name: string
  dtype: string
  shape: readonly number[]
  size: number
  nonzeros: number
  /** Share of zeros. */
  sparsity: number
  mean: number
  std: number
  /** NaN or infinite values. */
  nonFinite: number
  histogram: Histogram
}

/** Nonzero finite values in equal bins over [-limit, limit]. */
export interface Histogram {
  limit: number
  bins: number[]
}

const BINS = 15

export function summarize({ tensors }: TensorFile): TensorSummary[] {
  return [...tensors].map(([name, tensor]) => summarizeTensor(name, tensor))
}

function summarizeTensor(name: string, tensor: StoredTensor): TensorSummary {
  const values = toFloats(tensor)
  const finite = values.filter(Number.isFinite)
  const size = values.length
  const mean = finite.reduce((sum, x) => sum + x, 0) / finite.length
  const variance = finite.reduce((sum, x) => sum + (x - mean) ** 2, 0) / finite.length
  const nonzeros = values.reduce((n, x) => n + (x !== 0 ? 1 : 0), 0)
  return {
    ...{ name, dtype: tensor.dtype, shape: tensor.shape, size, nonzeros },
    ...{ sparsity: size === 0 ? 0 : 1 - nonzeros / size, mean, std: Math.sqrt(variance) },
    ...{ nonFinite: size - finite.length, histogram: histogramOf(finite) },
  }
}

function histogramOf(values: Float32Array): Histogram {
  const limit = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  const bins = new Array<number>(BINS).fill(0)
  for (const x of values) if (x !== 0) bins[Math.min(BINS - 1, Math.floor(((x + limit) / (2 * limit)) * BINS))]++
  return { limit, bins }
}
