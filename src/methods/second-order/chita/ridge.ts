/**
 * @file The ridge regression of CHITA and FALCON on a support: the weights of the least Q there, and where a
 * gradient step from them leads. Formulas: formulas.ts.
 */
import { solveOne } from '../../../linear/cholesky.ts'
import { dot } from '../../../linear/vector.ts'
import type { Workspace } from '../../../linear/workspace.ts'
import { ActiveBlock } from '../fisher/active-block.ts'
import type { GramBlock } from '../fisher/columns.ts'
import { dampedGram } from '../fisher/inverse.ts'

/** A support, Q of the best weights on it, and z, where a step from them leads. */
export interface Point {
  support: Uint8Array
  objective: number
  z: Float64Array
}

/**
 * By block: Q = lambda N (|w0_P|^2 + v' y) / 2 and z = w0 + G' y, with v = G_P w0_P - g 1 and (lambda N I +
 * G_S G_S') y = v.
 */
export function bestOn(
  space: Workspace,
  blocks: readonly GramBlock[],
  dense: Float64Array,
  support: Uint8Array,
  lambda: number,
  firstOrder: number,
): Point {
  const removed = dense.map((w, q) => (support[q] === 0 ? w : 0))
  const z = dense.slice()
  let doubled = dot(removed, removed)
  let end = 0
  for (const block of blocks) {
    const { samples, tensors } = block
    const parts = tensors.map(({ size }) => [end, (end += size)] as const)
    const v = new Float64Array(samples).fill(-firstOrder)
    tensors.forEach((tensor, t) => {
      tensor.combine(removed.subarray(...parts[t]), v)
    })
    const kept = new ActiveBlock(
      block,
      parts.map((part) => support.subarray(...part)),
    )
    const y = space.scoped(() => solveOne(space, dampedGram(space, kept, lambda), v))
    doubled += dot(v, y)
    tensors.forEach((tensor, t) => {
      const sums = new Float64Array(tensor.size)
      tensor.correlate(y, sums)
      const moved = z.subarray(...parts[t])
      for (let q = 0; q < sums.length; q++) moved[q] += sums[q]
    })
  }
  return { support, objective: (blocks[0].samples * lambda * doubled) / 2, z }
}
