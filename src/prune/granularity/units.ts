/**
 * @file Removing weights in units, the worst first: what granularities coarser than a weight share.
 */
import { countKept, type MaskedLayer } from '../mask.ts'

/** Sets of weights that are removed together. They may overlap: a weight is gone with the first of its units. */
export interface Units {
  /** One per unit; units with higher scores are kept. */
  scores: Float64Array
  /** Calls back for every weight of a unit: number of the layer, index in it. */
  each(unit: number, visit: (layer: number, index: number) => void): void
}

/**
 * Removes units by ascending score, ties from the last to the first, until at most `keep` weights are left in all layers together. `least` is what
 * each layer keeps: a unit whose removal would leave a layer with less is passed over.
 */
export function removeUnits(
  layers: readonly Pick<MaskedLayer, 'mask'>[],
  { scores, each }: Units,
  keep: number,
  least: readonly number[],
): void {
  const left = layers.map(({ mask }) => countKept(mask))
  let all = left.reduce((a, b) => a + b, 0)
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[a] - scores[b] || b - a)
  for (const unit of order) {
    if (all <= keep) return
    const removed: [number, number][] = []
    each(unit, (layer, i) => {
      const { mask } = layers[layer]
      if (mask[i] === 0) return
      mask[i] = 0
      left[layer]--
      removed.push([layer, i])
    })
    const tooFew = removed.some(([layer]) => left[layer] < least[layer])
    if (!tooFew) all -= removed.length
    for (const [layer, i] of tooFew ? removed : []) {
      layers[layer].mask[i] = 1
      left[layer]++
    }
  }
}
