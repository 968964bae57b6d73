/**
 * @file Masks: one 0 or 1 per weight of a prunable tensor. What they are and what can be said of them.
 */
import type { Floats } from '../engine/machine.ts'
import type { Layer } from './scope.ts'

/** A layer with its scores and the mask to be written, all of one length. */
export interface MaskedLayer extends Layer {
  scores: Floats
  mask: Floats
}

/**
 * Exact top-k over several tensors: `selectTop` of src/select/top.ts, or a machine's kernel of the same
 * meaning.
 */
export type Select = (layers: readonly MaskedLayer[], keep: number) => void

/** Number of ones. Throws where a value is neither 0 nor 1. */
export function countKept(mask: Floats): number {
  let kept = 0
  // Not `for of`, which takes ten times as long, and no branch that a mask takes at random.
  for (let i = 0; i < mask.length; i++) {
    const value = mask[i]
    if (value * (value - 1) !== 0) throw new Error(`a mask holds ${value}, expected 0 or 1`)
    kept += value
  }
  return kept
}

/** How many weights of a layer are kept. */
export interface LayerCount {
  name: string
  size: number
  kept: number
  /**
   * How many of those kept lie on a path from the network's input to its output, where that was looked for.
   */
  effective?: number
  /** Of tied weights: how many of them can be learned, the entries of their bank. */
  learnable?: number
}

/** Layers that keep nothing while others keep something: layer collapse (Tanaka et al. 2020). */
export function collapsedLayers<Count extends LayerCount>(counts: readonly Count[]): Count[] {
  return counts.some(({ kept }) => kept > 0) ? counts.filter(({ kept }) => kept === 0) : []
}

/** Share of zeros among all weights of the layers. */
export function sparsityOf(counts: readonly LayerCount[]): number {
  const size = counts.reduce((sum, layer) => sum + layer.size, 0)
  const kept = counts.reduce((sum, layer) => sum + layer.kept, 0)
  return size === 0 ? 0 : 1 - kept / size
}
