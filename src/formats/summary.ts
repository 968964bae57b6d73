/**
 * @file What can be said of a file of tensors without knowing the network.
 */
import { type StoredTensor, type TensorFile, toFloats } from './safetensors.ts'

export interface TensorSummary {
  name: string
  dtype: string
  shape: readonly number[]
  size: number
  /** Values above and below zero; NaN is neither, nor is it zero. */
  positive: number
  negative: number
  nonzeros: number
  kind: TensorKind
  /** Share of zeros. */
  sparsity: number
  mean: number
  std: number
  /** NaN or infinite values. */
  nonFinite: number
  histogram: Histogram
}

/** What a tensor is, as far as its shape and its name say. */
export type TensorKind =
  | ('convolution kernels' | 'matrices' | 'biases' | 'scales' | 'shifts')
  | ('running means' | 'running variances' | 'momentum' | 'masks' | 'weights of other shapes' | 'others')

/** Nonzero finite values in equal bins over [-limit, limit]. */
export interface Histogram {
  limit: number
  bins: number[]
}

const BINS = 15

/**
 * `weights`: names of those that layers multiply with, where that is known; no other tensor is a kernel or
 * matrix then.
 */
export function summarize({ tensors }: TensorFile, weights?: ReadonlySet<string>): TensorSummary[] {
  return [...tensors].map(([name, tensor]) => {
    const kind = kindOf(name, tensor, tensors)
    return summarizeTensor(name, tensor, weights ? knownKind(kind, weights.has(name)) : kind)
  })
}

function knownKind(kind: TensorKind, isWeight: boolean): TensorKind {
  const looksLikeOne = kind === 'convolution kernels' || kind === 'matrices'
  if (isWeight) return looksLikeOne ? kind : 'weights of other shapes'
  return looksLikeOne ? 'others' : kind
}

/**
 * How much there is of a kind of tensors, and of all weights together, which are what pruning makes sparse.
 */
export interface Total {
  what: string
  tensors: number
  size: number
  nonzeros: number
}

/**
 * Totals by kind, in the order of their first tensors, then of all kernels and matrices, or
 * `weights of layers`, where it is known which tensors those are.
 */
export function totalsOf(summaries: readonly TensorSummary[], all = 'kernels and matrices'): Total[] {
  const total = (what: string, of: readonly TensorSummary[]): Total => ({
    what,
    tensors: of.length,
    size: of.reduce((sum, { size }) => sum + size, 0),
    nonzeros: of.reduce((sum, { nonzeros }) => sum + nonzeros, 0),
  })
  const kinds = [...new Set(summaries.map(({ kind }) => kind))]
  const kindsOfWeights: readonly TensorKind[] = ['convolution kernels', 'matrices', 'weights of other shapes']
  const pruned = summaries.filter(({ kind }) => kindsOfWeights.includes(kind))
  return [
    ...kinds.map((kind) =>
      total(
        kind,
        summaries.filter((one) => one.kind === kind),
      ),
    ),
    total(all, pruned),
  ]
}

function kindOf(name: string, { shape }: StoredTensor, tensors: TensorFile['tensors']): TensorKind {
  const last = name.split('.').at(-1)!
  if (last === 'momentum') return 'momentum'
  if (last === 'mask') return 'masks'
  if (shape.length === 4) return 'convolution kernels'
  if (shape.length === 2) return 'matrices'
  if (last === 'running_mean') return 'running means'
  if (last === 'running_var') return 'running variances'
  // A normalization has running statistics beside its scale and shift.
  const normalization = tensors.has(`${name.slice(0, -last.length)}running_mean`)
  if (shape.length === 1 && last === 'weight' && normalization) return 'scales'
  if (shape.length === 1 && last === 'bias') return normalization ? 'shifts' : 'biases'
  return 'others'
}

function summarizeTensor(name: string, tensor: StoredTensor, kind: TensorKind): TensorSummary {
  const values = toFloats(tensor)
  const size = values.length
  let [positive, negative, nonzeros, finite, sum, limit] = [0, 0, 0, 0, 0, 0]
  for (const x of values) {
    if (x > 0) positive++
    else if (x < 0) negative++
    if (x !== 0) nonzeros++
    if (!Number.isFinite(x)) continue
    finite++
    sum += x
    limit = Math.max(limit, Math.abs(x))
  }
  const mean = sum / finite
  const bins = new Array<number>(BINS).fill(0)
  let squares = 0
  for (const x of values) {
    if (!Number.isFinite(x)) continue
    squares += (x - mean) ** 2
    if (x !== 0) bins[Math.min(BINS - 1, Math.floor(((x + limit) / (2 * limit)) * BINS))]++
  }
  return {
    name,
    kind,
    dtype: tensor.dtype,
    shape: tensor.shape,
    size,
    nonzeros,
    positive,
    negative,
    sparsity: size === 0 ? 0 : 1 - nonzeros / size,
    mean,
    std: Math.sqrt(squares / finite),
    nonFinite: size - finite,
    histogram: { limit, bins },
  }
}
