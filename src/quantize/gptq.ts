/**
 * @file Weights of a layer as codes of a grid: each rounded by itself, or by GPTQ (Frantar et al. 2023), one
 * sweep over the columns in which those that come later make up for what rounding changed. Weights that are
 * zero stay so.
 */
import type { Machine } from '../engine/machine.ts'
import type { LayerProblem } from '../methods/layerwise/problem.ts'
import { sweep } from '../methods/layerwise/sweep.ts'
import type { WeightGrid } from './grid.ts'

/** Columns whose updates of those after them are one product. */
const BLOCK = 128

/** Codes [rows][columns] of the nearest values. */
export function roundToNearest(
  { rows, columns, weights }: Pick<LayerProblem, 'rows' | 'columns' | 'weights'>,
  grid: WeightGrid,
): Int8Array {
  const codes = new Int8Array(rows * columns)
  for (let row = 0, at = 0; row < rows; row++)
    for (let i = 0; i < columns; i++, at++) codes[at] = grid.code(row, i, weights[at])
  return codes
}

/**
 * Codes [rows][columns] by GPTQ. The columns with the largest inputs (the diagonal of H) are rounded first,
 * while many are left to make up for them.
 */
export function gptq(problem: LayerProblem, grid: WeightGrid, machine: Machine): Int8Array {
  const { rows, columns: n, weights, hessian } = problem
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => hessian[b * (n + 1)] - hessian[a * (n + 1)] || a - b,
  )
  const permuted: LayerProblem = {
    ...problem,
    weights: weights.map((_, at) => weights[at - (at % n) + order[at % n]]),
    hessian: hessian.map((_, at) => hessian[order[Math.floor(at / n)] * n + order[at % n]]),
  }
  const codes = new Int8Array(rows * n)
  sweep(permuted, machine, {
    block: BLOCK,
    become: (_, row, i, weight) => {
      const [column, at] = [order[i], row * n + order[i]]
      codes[at] = grid.code(row, column, weights[at] === 0 ? 0 : weight)
      return grid.value(row, column, codes[at])
    },
  })
  return codes
}
