/**
 * @file Tiles of b x b weights of a layer's matrix (rows are outputs, columns inputs in the order channel,
 * row, column), scored by the sum of their weights' scores (block sparsity: Narang et al. 2017; Gray et al.
 * 2017). Tiles at the right and lower edge may be smaller. The scope's count is met to within one tile, from
 * below.
 */
import { sizeOf } from '../../graph/tensor.ts'
import { leastOf } from '../floor.ts'
import type { MaskedLayer } from '../mask.ts'
import { type Granularity, plannedGroups } from './granularity.ts'
import { type LayerUnits, removeUnits, type Units, unitsOfLayers } from './units.ts'

export const block = (b: number): Granularity => ({
  summary: `tiles of ${b} x ${b} weights, scored by their sum`,
  write(layers, budget) {
    for (const { layers: group, keep } of plannedGroups(layers, budget)) {
      const least = group.map((layer) => leastOf(layer, budget.floor))
      removeUnits(group, tiles(group, b), keep, least)
    }
  },
})

/** The tiles of all layers in order, row by row. Scores count only weights that had not been removed. */
function tiles(layers: readonly MaskedLayer[], b: number): Units {
  const parts = layers.map(({ shape }): LayerUnits => {
    const [rows, columns] = [shape[0], sizeOf(shape) / shape[0]]
    const across = Math.ceil(columns / b)
    return {
      count: across * Math.ceil(rows / b),
      each(tile, visit) {
        const [top, left] = [Math.floor(tile / across) * b, (tile % across) * b]
        for (let row = top; row < Math.min(top + b, rows); row++)
          for (let column = left; column < Math.min(left + b, columns); column++) visit(row * columns + column)
      },
    }
  })
  return unitsOfLayers(layers, parts, (sum) => sum)
}
