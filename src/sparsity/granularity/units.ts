/**
 * @file Removing weights in units, the worst first: what granularities coarser than a weight share.
 */
import { countKept, type MaskedLayer } from '../mask.ts'

/**
 * Sets of weights that are removed together. They may overlap: a weight is gone with the first of its units.
 */
export interface Units {
  /** One per unit; units with higher scores are kept. */
  scores: Float64Array
  /** Calls back for every weight of a unit: number of the layer, index in it. */
  each(unit: number, visit: (layer: number, index: number) => void): void
}

/** The units of one layer: how many there are, and the indices of the weights of one of them. */
export interface LayerUnits {
  count: number
  each(unit: number, visit: (index: number) => void): void
}

/**
 * Units that lie within single layers, layer after layer. `score` makes one of the sum over a unit's weights
 * that had not been removed, and of how many it has in all.
 */
export function unitsOfLayers(
  layers: readonly MaskedLayer[],
  parts: readonly LayerUnits[],
  score: (sum: number, length: number) => number,
): Units {
  const firsts: number[] = []
  let all = 0
  for (const { count } of parts) {
    firsts.push(all)
    all += count
  }
  const each: Units['each'] = (unit, visit) => {
    const layer = firsts.findLastIndex((first) => first <= unit)
    parts[layer].each(unit - firsts[layer], (index) => visit(layer, index))
  }
  const scores = Float64Array.from({ length: all }, (_, unit) => {
    let [sum, length] = [0, 0]
    each(unit, (layer, i) => {
      if (layers[layer].mask[i] === 1) sum += layers[layer].scores[i]
      length++
    })
    return score(sum, length)
  })
  return { scores, each }
}

/**
 * Removes units by ascending score, ties from the last to the first, until at most `keep` weights are left in
 * all layers together. `least` is what each layer keeps: a unit whose removal would leave a layer with less
 * is passed over.
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
