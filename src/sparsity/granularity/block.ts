/**
 * @file Tiles of b x b weights, or of eight outputs that share an input, of a layer's matrix (rows are
 * outputs, columns inputs in the order channel, row, column), scored by the sum of their weights' scores
 * (block sparsity: Narang et al. 2017; Gray et al. 2017). Tiles at the right and lower edge may be smaller.
 * The scope's count is met to within one tile, from below.
 */
import { sizeOf } from '../../graph/tensor.ts'
import { leastOf } from '../floor.ts'
import type { MaskedLayer } from '../mask.ts'
import { type Granularity, plannedGroups } from './granularity.ts'
import { type LayerUnits, removeUnits, type Units, unitsOfLayers } from './units.ts'

export const block = (down: number, right: number): Granularity => ({
  summary: `tiles of ${down} x ${right} weights, scored by their sum`,
  write(layers, budget) {
    for (const { layers: group, keep } of plannedGroups(layers, budget)) {
      const least = group.map((layer) => leastOf(layer, budget.floor))
      removeUnits(group, tiles(group, down, right), keep, least)
    }
  },
})

/** The tiles of all layers in order, row by row. Scores count only weights that had not been removed. */
function tiles(layers: readonly MaskedLayer[], down: number, right: number): Units {
  const parts = layers.map(({ shape }): LayerUnits => {
    const [rows, columns] = [shape[0], sizeOf(shape) / shape[0]]
    const across = Math.ceil(columns / right)
    return {
      count: across * Math.ceil(rows / down),
      each(tile, visit) {
        const [top, left] = [Math.floor(tile / across) * down, (tile % across) * right]
        for (let row = top; row < Math.min(top + down, rows); row++)
          for (let column = left; column < Math.min(left + right, columns); column++) visit(row * columns + column)
      },
    }
  })
  return unitsOfLayers(layers, parts, (sum) => sum)
}
