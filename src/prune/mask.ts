/**
 * @file Masks: one 0 or 1 per weight of a prunable tensor. From scores to masks, and what can be said of a mask.
 */
import type { Floats } from '../engine/machine.ts'
import { UserError } from '../util/errors.ts'
import type { Layer, Scope } from './scope.ts'

/** A layer with its scores and the mask to be written, all of one length. */
export interface MaskedLayer extends Layer {
  scores: Floats
  mask: Floats
}

/** Exact top-k over several tensors: `selectTop` of src/select/top.ts, or a machine's kernel of the same meaning. */
export type Select = (layers: readonly MaskedLayer[], keep: number) => void

/**
 * Writes masks that keep the top scores of every group of the scope, exactly as many as it says, ties by layer and index.
 * A weight that the present mask has removed stays removed: a group with fewer weights left than that keeps them all.
 * Throws UserError, naming the tensor, where a score is not finite; no mask has changed then.
 */
export function writeMasks(layers: readonly MaskedLayer[], scope: Scope, sparsity: number, select: Select): void {
  const present = new Map(layers.map((layer) => [layer.name, { ...layer, left: countKept(layer.mask) }]))
  for (const { name, scores, mask } of layers) {
    for (let i = 0; i < scores.length; i++) {
      if (!Number.isFinite(scores[i]))
        throw new UserError(`the score of ${name}[${i}] is ${scores[i]}: nothing was pruned`)
      if (mask[i] === 0) scores[i] = Number.NEGATIVE_INFINITY
    }
  }
  for (const { layers: some, keep } of scope.groups([...present.values()], sparsity)) {
    const group = some.map(({ name }) => present.get(name)!)
    const left = group.reduce((sum, layer) => sum + layer.left, 0)
    select(group, Math.min(keep, left))
  }
}

/** Number of ones. Throws where a value is neither 0 nor 1. */
export function countKept(mask: Floats): number {
  let kept = 0
  for (const value of mask) {
    if (value !== 0 && value !== 1) throw new Error(`a mask holds ${value}, expected 0 or 1`)
    kept += value
  }
  return kept
}

/** How many weights of a layer are kept. */
export interface LayerCount {
  name: string
  size: number
  kept: number
}

/** Layers that keep nothing while others keep something: layer collapse (Tanaka et al. 2020). */
export function collapsedLayers(counts: readonly LayerCount[]): LayerCount[] {
  return counts.some(({ kept }) => kept > 0) ? counts.filter(({ kept }) => kept === 0) : []
}

/** Share of zeros among all weights of the layers. */
export function sparsityOf(counts: readonly LayerCount[]): number {
  const size = counts.reduce((sum, layer) => sum + layer.size, 0)
  const kept = counts.reduce((sum, layer) => sum + layer.kept, 0)
  return size === 0 ? 0 : 1 - kept / size
}
