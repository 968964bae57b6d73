/**
 * @file Constant fan-in: all outputs of a layer keep equally many weights, so that values and inputs of a
 * layer fit into two matrices [outputs, fan-in] (condensed sparsity; Lasby et al. 2024, arXiv 2305.02299).
 * Scope and floor say what a layer keeps as they do for single weights; an output keeps its part of that,
 * rounded down, or up where a floor needs it.
 */
import { selectTop } from '../../select/top.ts'
import { leastOf } from '../floor.ts'
import { countKept } from '../mask.ts'
import type { Granularity } from './granularity.ts'
import { weight } from './weight.ts'

export const fanIn: Granularity = {
  summary: 'equally many weights of every output',
  write(layers, budget) {
    const before = layers.map(({ scores, mask }) => ({ scores: scores.slice(), mask: mask.slice() }))
    weight.write(layers, budget)
    layers.forEach(({ name, shape, scores, mask }, i) => {
      // Scales of channels have no inputs.
      if (shape.length < 2) return
      const [outputs] = shape
      const kept = countKept(mask)
      scores.set(before[i].scores)
      mask.set(before[i].mask)
      const least = leastOf({ name, shape, left: countKept(mask) }, budget.floor)
      const each = Math.max(Math.floor(kept / outputs), Math.ceil(least / outputs))
      const columns = mask.length / outputs
      for (let from = 0; from < mask.length; from += columns) {
        const row = mask.subarray(from, from + columns)
        selectTop([scores.subarray(from, from + columns)], Math.min(each, countKept(row)), [row])
      }
    })
  },
}
