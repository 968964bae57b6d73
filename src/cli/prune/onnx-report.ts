/** @file What pruning an ONNX file by value came to: counts, what was not pruned, and what looks wrong. */
import { markdownTable } from 'markdown-table'
import type { StoredWeight, Untouched } from '../../formats/onnx/weights.ts'
import type { ZeroCount } from '../../formats/onnx/zeros.ts'
import { magnitudesOf, type PrunedWeights } from '../../methods/by-value/prune-onnx.ts'
import type { Removing } from '../../methods/by-value/removals.ts'
import { scaleOutliers } from '../../methods/by-value/scale-outliers.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import { scopes } from '../../sparsity/scope.ts'
import { grouped, percent } from '../../util/format.ts'

export interface Share {
  size: number
  kept: number
  /** Share of zeros. */
  sparsity: number
}

export interface OnnxPruneReport {
  layers: LayerCount[]
  /** The pruned tensors together. */
  prunable: Share
  /** All floats that the file stores, and whole numbers that stand for floats. */
  stored: Share
  untouched: Untouched[]
  warnings: string[]
  /** The share of zeros, where there were more than asked for. */
  sparserAlready?: number
}

export function onnxPruneReport(
  { tensors }: PrunedWeights,
  { scope, sparsity }: Removing,
  all: ZeroCount,
): Pick<OnnxPruneReport, 'layers' | 'prunable' | 'stored' | 'sparserAlready'> {
  const layers = tensors.map(({ name, size, kept }) => ({ name, size, kept }))
  const total = (of: 'size' | 'kept') => layers.reduce((sum, layer) => sum + layer[of], 0)
  const prunable = shareOf(total('size'), total('kept'))
  const asked = scopes[scope].groups(tensors, sparsity).reduce((sum, { keep }) => sum + keep, 0)
  return {
    layers,
    prunable,
    stored: shareOf(all.size, all.size - all.zeros),
    ...(prunable.kept < asked && { sparserAlready: prunable.sparsity }),
  }
}

const shareOf = (size: number, kept: number): Share => ({ size, kept, sparsity: size === 0 ? 0 : 1 - kept / size })

/** Warnings where one ranking over all tensors is of numbers that cannot be compared. */
export function outlierSentences(
  weights: readonly StoredWeight[],
  { tensors }: PrunedWeights,
  { method, scope }: Removing,
): string[] {
  if (method !== 'magnitude' || scope !== 'global') return []
  const ranked = weights.map((weight, i) => ({
    name: weight.key,
    magnitudes: () => magnitudesOf(weight),
    before: tensors[i].before,
    kept: tensors[i].kept,
  }))
  return scaleOutliers(ranked).map(({ name, median, others, largest, removed }) => {
    const what = removed > 0 ? `removes ${percent(removed)} of ${name}` : `removes nothing of ${name}`
    const other = median < others ? `, --exclude '${largest}' the one with the largest` : ''
    return `the ranking over all tensors ${what}, whose weights are of another scale (median |w| ${median.toPrecision(2)}) than those of the others (${others.toPrecision(2)}): --exclude '${name}' leaves it as it is${other}, as is right for fixed transforms such as that of a spectrogram; --scope layerwise ranks each tensor by itself`
  })
}

/** Tensors that are listed where they stay as they are; --json lists all. */
const MOST_LINES = 10

export function onnxPruneLines({ layers, prunable, stored, ...report }: OnnxPruneReport): string[] {
  const rows = [...layers, { name: 'all pruned tensors', ...prunable }].map((layer) => [
    layer.name,
    grouped(layer.size),
    grouped(layer.kept),
    percent(layer.kept / layer.size),
  ])
  return [
    markdownTable([['tensor', 'weights', 'kept', 'density'], ...rows], { align: ['l', 'r', 'r', 'r'] }),
    ...untouchedLines(report.untouched),
    '',
    `sparsity ${percent(prunable.sparsity)} of the pruned tensors; ${percent(stored.sparsity)} of all ${grouped(stored.size)} stored numbers (floats and quantized ones) are zero; what that does to the accuracy is not known without --data`,
    ...(report.sparserAlready === undefined ? [] : [`sparser already than asked: ${percent(report.sparserAlready)}`]),
    ...report.warnings.map((warning) => `warning: ${warning}`),
  ]
}

/** One line for each, `most` at most; none where there is nothing. */
export function untouchedLines(untouched: readonly Untouched[], most = MOST_LINES): string[] {
  if (untouched.length === 0) return []
  const more = untouched.length - most
  const shown = more > 1 ? untouched.slice(0, most) : untouched
  return [
    '',
    'not pruned:',
    ...shown.map(({ key, shape, reason }) => `  ${key} [${shape.join(' x ')}]: ${reason}`),
    ...(more > 1 ? [`  and ${grouped(more)} more, which --json lists`] : []),
  ]
}
