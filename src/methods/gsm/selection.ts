/**
 * @file The end of training by src/methods/gsm/rule.ts: the largest weights stay, as many as were active, and
 * how clear that choice is.
 */
import { selectTop } from '../../select/top.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import type { Network } from '../../train/network.ts'
import { type PruneResult, prune } from '../prune.ts'

/**
 * Whether removing all but the `keep` largest weights matters: lossless where there is a wide gap between the
 * magnitudes of the two parts.
 */
export interface Gap {
  keep: number
  /** The least |w| of those that stay, and the largest of the others. */
  kept: number
  removed: number
  /** Share of weights with |w| below 1e-4. */
  vanished: number
}

const VANISHED = 1e-4

/**
 * The gap at the `keep` largest of a network's prunable weights, 1 or more and not all, ties by index; and a
 * mask of them for each tensor.
 */
export function gapOf(network: Network, keep: number): { gap: Gap; masks: Float64Array[] } {
  const magnitudes = network.prunable.map(({ name }) => Float64Array.from(network.weights.whole(name), Math.abs))
  const masks = magnitudes.map(({ length }) => new Float64Array(length))
  selectTop(magnitudes, keep, masks)
  let [kept, removed, small, count] = [Number.POSITIVE_INFINITY, 0, 0, 0]
  magnitudes.forEach((values, t) => {
    count += values.length
    values.forEach((value, i) => {
      if (masks[t][i] === 1) kept = Math.min(kept, value)
      else removed = Math.max(removed, value)
      if (value < VANISHED) small++
    })
  })
  return { gap: { keep, kept, removed, vanished: small / count }, masks }
}

/** Loss and accuracy on the held-out samples with those weights alone; the network stays as it is. */
export function evaluateTop(network: Network, masks: readonly Float64Array[]): Evaluation {
  const views = network.prunable.map(({ name }) => network.values(name))
  const before = views.map((view) => view.slice())
  views.forEach((view, t) => {
    for (let i = 0; i < view.length; i++) view[i] *= masks[t][i]
  })
  const evaluation = network.evaluate('validation')
  views.forEach((view, t) => {
    view.set(before[t])
  })
  return evaluation
}

/** Removes all but exactly the `keep` largest weights of all prunable tensors together. */
export function keepTop(network: Network, keep: number): PruneResult {
  const size = network.counts().reduce((sum, layer) => sum + layer.size, 0)
  return prune(network, { method: 'magnitude', sparsity: 1 - keep / size, count: () => keep })
}
