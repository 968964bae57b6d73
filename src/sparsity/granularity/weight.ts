/**
 * @file Single weights: the granularity of most of the literature, and the only one that meets every count
 * exactly.
 */
import { leastOf } from '../floor.ts'
import { type Granularity, plannedGroups } from './granularity.ts'

export const weight: Granularity = {
  summary: 'single weights, exact counts',
  write(layers, budget) {
    for (const { layers: group, keep } of plannedGroups(layers, budget)) {
      for (const layer of budget.floor ? group : []) {
        budget.select([layer], leastOf(layer, budget.floor))
        layer.mask.forEach((bit, i) => {
          if (bit === 1) layer.scores[i] = Number.POSITIVE_INFINITY
        })
      }
      budget.select(group, keep)
    }
  },
}
