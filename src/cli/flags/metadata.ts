/** @file The metadata of weights that a command writes: what it was told of their inputs, and no guesses. */
import { readLabels } from '../../data/labels.ts'
import { GUESSED, originOf } from '../../data/normalization.ts'
import type { EvaluationData } from './data.ts'
import type { PreprocessingFlags } from './preprocessing.ts'

/** What flags say beyond what data sets say of themselves, as metadata of an output. */
export function flagMetadata({ layout, labels }: PreprocessingFlags): Record<string, string> {
  return {
    ...(layout !== undefined && { layout: layout.toUpperCase() }),
    ...(labels !== undefined && { labels: JSON.stringify(readLabels(labels)) }),
  }
}

/**
 * Metadata of weights without what is only a guess of how they were trained: whoever reads them later should
 * guess too, and say so.
 */
export function withoutGuess(
  metadata: Record<string, string>,
  { data, geometry }: EvaluationData,
): Record<string, string> {
  if (data.floats) return metadata
  const left = { ...metadata }
  const { mean, std } = originOf(data)
  // A file says both or nothing.
  if ([mean, std].some((origin) => origin.startsWith(GUESSED))) for (const key of ['mean', 'std']) delete left[key]
  if (geometry?.startsWith(GUESSED)) for (const key of ['size', 'crop']) delete left[key]
  return left
}
