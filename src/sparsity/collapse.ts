/**
 * @file Layer collapse (Tanaka et al. 2020), found from the masks alone, before training: layers that keep
 * nothing while others do, outputs that no input reaches, and weights that are kept but lie on no path from
 * input to output.
 */
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { collapsedLayers, type LayerCount } from './mask.ts'
import { type Masks, reachOf } from './reachability.ts'

/** What pruning does about a network that has collapsed: says so, keeps a floor in every layer, or stops. */
export const onCollapseKinds = ['warn', 'floor', 'error'] as const
export type OnCollapse = (typeof onCollapseKinds)[number]

/** Kept weights of a layer that lie on a path from input to output. */
export interface PathCount extends LayerCount {
  effective: number
}

export interface Connectivity {
  layers: PathCount[]
  /** Layers that keep nothing while others do. With shortcuts around them a network may live on. */
  collapsed: PathCount[]
  /**
   * Logits to which no path leads from the input, and how many logits there are. If all: the network can only
   * guess.
   */
  deadOutputs: number
  outputs: number
}

/** What a network under masks (not 0: kept; in the order of the report) can still compute. */
export function connectivityOf(model: Model, masks: Masks): Connectivity {
  const { effective, outputs } = reachOf(model, masks)
  const layers = [...masks].map(([name, mask]) => {
    let kept = 0
    for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) kept++
    return { name, size: mask.length, kept, effective: effective.get(name) ?? 0 }
  })
  const collapsed = collapsedLayers(layers)
  return { layers, collapsed, deadOutputs: outputs.filter((reached) => !reached).length, outputs: outputs.length }
}

/** Whether a layer is empty while others are not, or no path leads from input to output. */
export const isCollapsed = ({ collapsed, deadOutputs, outputs }: Connectivity): boolean =>
  collapsed.length > 0 || deadOutputs === outputs

/**
 * Share of weights, of all layers, that lie on no path from input to output: zeros, and what they have cut
 * off.
 */
export function effectiveSparsity({ layers }: Pick<Connectivity, 'layers'>): number {
  const size = layers.reduce((sum, layer) => sum + layer.size, 0)
  return size === 0 ? 0 : 1 - layers.reduce((sum, { effective }) => sum + effective, 0) / size
}

/** A sentence for each thing that is wrong. */
export function collapseSentences({ collapsed, deadOutputs, outputs }: Connectivity): string[] {
  const sentences = collapsed.map(({ name }) => `layer ${name} has collapsed: none of its weights is left`)
  if (deadOutputs === outputs)
    sentences.push('no path leads from the input to the output: the network gives the same answer to every input')
  else if (deadOutputs > 0) sentences.push(`no path leads from the input to ${deadOutputs} of the ${outputs} outputs`)
  return sentences
}

/** Throws UserError where a network has collapsed. */
export function refuseCollapse(found: Connectivity, sparsity: number): void {
  if (!isCollapsed(found)) return
  const sentences = collapseSentences(found)
  const more = sentences.length > 3 ? [...sentences.slice(0, 3), `${sentences.length - 3} more`] : sentences
  throw new UserError(`pruning to a sparsity of ${sparsity}: ${more.join('; ')}`)
}
