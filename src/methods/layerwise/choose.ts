/** @file Which weights of a layer stay, by scores that do not change: so many, or in an N:M pattern. */
import { apportion } from '../../select/apportion.ts'
import { selectTop } from '../../select/top.ts'
import type { Pattern } from '../../sparsity/granularity/n-of-m.ts'
import type { LayerProblem } from './problem.ts'

/** How many weights to keep of a problem (all that are left, where they are fewer), or in which pattern. */
export type Target = { keep: number } | { pattern: Pattern }

/**
 * The mask [rows][columns] of the weights with the largest scores among those that are not zero; ties go to
 * the lower place. Weights compete within each row, which keep equal shares (as far as they have as many
 * left), where `within` is `row`, and within the whole matrix where it is `matrix`. In a pattern at most n of
 * every m consecutive columns of a row stay; a last group of fewer columns keeps up to n too.
 */
export function chosenBy(
  scores: Float64Array,
  { rows, columns, weights }: Pick<LayerProblem, 'rows' | 'columns' | 'weights'>,
  target: Target,
  within: 'row' | 'matrix',
): Float64Array {
  const mask = weights.map((w) => Number(w !== 0))
  const ranked = scores.map((score, i) => (mask[i] ? score : Number.NEGATIVE_INFINITY))
  const restrict = (from: number, to: number, keep: number) => {
    const part = mask.subarray(from, to)
    const left = part.reduce((sum, bit) => sum + bit, 0)
    selectTop([ranked.subarray(from, to)], Math.min(keep, left), [part])
  }
  if ('pattern' in target) {
    const { n, m } = target.pattern
    for (let row = 0; row < rows * columns; row += columns)
      for (let from = 0; from < columns; from += m) restrict(row + from, row + Math.min(from + m, columns), n)
  } else if (within === 'matrix') restrict(0, mask.length, target.keep)
  else {
    const left = Array.from({ length: rows }, (_, r) => {
      return mask.subarray(r * columns, (r + 1) * columns).reduce((sum, bit) => sum + bit, 0)
    })
    const total = left.reduce((sum, n) => sum + n, 0)
    const shares = apportion(
      Math.min(target.keep, total),
      left.map(() => 1),
      left,
    )
    shares.forEach((keep, row) => {
      restrict(row * columns, (row + 1) * columns, keep)
    })
  }
  return mask
}

/** The weights under a mask. */
export const masked = (weights: Float64Array, mask: Float64Array): Float64Array => weights.map((w, i) => w * mask[i])

/** The root mean square of every input, up to a factor that all share: sqrt of the diagonal of 2 X X'. */
export function inputNorms({ columns, hessian, damping = 0 }: LayerProblem): Float64Array {
  return Float64Array.from({ length: columns }, (_, i) => Math.sqrt(Math.max(hessian[i * (columns + 1)] - damping, 0)))
}
