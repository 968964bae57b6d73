/**
 * @file SparseGPT (Frantar & Alistarh 2023): masks chosen and compensated in one sweep over the columns
 * (sweep.ts).
 */
import type { Machine } from '../../engine/machine.ts'
import { apportion } from '../../select/apportion.ts'
import { selectTop } from '../../select/top.ts'
import type { Target } from './choose.ts'
import type { LayerProblem, LayerSolution } from './problem.ts'
import { type Swept, sweep } from './sweep.ts'

/** Columns whose weights compete, over all rows. */
const BLOCK = 128

/**
 * Chooses and compensates in one sweep. With `keep`, the weights to keep are spread evenly over blocks of
 * `block` columns (default 128), and those of a block with the largest w^2 / U_ii^2 stay, as updated when the
 * sweep arrives there. With a pattern, the choice is made like that among every m weights of a row; a last
 * group of fewer columns counts as filled up with zeros.
 */
export function sparseGpt(problem: LayerProblem, target: Target, machine: Machine, block = BLOCK): LayerSolution {
  const { rows, columns: n } = problem
  const mask = problem.weights.map((w) => (w === 0 ? 0 : 1))
  // Groups of a pattern lie within blocks.
  const width = 'pattern' in target ? Math.ceil(block / target.pattern.m) * target.pattern.m : block

  /** Keeps the best of the weights that are left in columns from ... to - 1 of some rows. */
  const keepBest = (
    { weights, pivots }: Swept,
    [first, last]: readonly [number, number],
    [from, to]: readonly [number, number],
    keep: number,
  ) => {
    const left = new Uint32Array((last - first) * (to - from))
    const scores = new Float64Array(left.length)
    let count = 0
    for (let row = first; row < last; row++)
      for (let i = from, at = row * n + from; i < to; i++, at++) {
        if (mask[at] === 0) continue
        left[count] = at
        scores[count++] = (weights[at] / pivots[i]) ** 2
      }
    const chosen = new Float64Array(count)
    selectTop([scores.subarray(0, count)], Math.min(keep, count), [chosen])
    for (let k = 0; k < count; k++) mask[left[k]] = chosen[k]
  }

  const keeps = 'keep' in target ? keepPerBlock(mask, n, width, target.keep) : []
  const weights = sweep(problem, machine, {
    block: width,
    enter: (swept, from, to) => {
      if ('keep' in target) keepBest(swept, [0, rows], [from, to], keeps[from / width])
    },
    become: (swept, row, i, w) => {
      if ('pattern' in target && i % target.pattern.m === 0)
        keepBest(swept, [row, row + 1], [i, Math.min(i + target.pattern.m, n)], target.pattern.n)
      return mask[row * n + i] === 0 ? 0 : w
    },
  })
  return { weights, mask }
}

/**
 * `keep` weights spread over blocks of columns in proportion to their sizes, no more than a block has left.
 */
function keepPerBlock(mask: Float64Array, n: number, block: number, keep: number): number[] {
  const rows = mask.length / n
  const left = new Array<number>(Math.ceil(n / block)).fill(0)
  const sizes = left.map((_, b) => Math.min(block, n - b * block) * rows)
  mask.forEach((bit, i) => {
    left[Math.floor((i % n) / block)] += bit
  })
  const total = left.reduce((a, b) => a + b, 0)
  return apportion(Math.min(keep, total), sizes, left)
}
