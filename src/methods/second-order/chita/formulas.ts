/**
 * @file CHITA (Benbaki et al. 2023): pruning as sparse regression on the per-sample gradients G (N x n) at
 * the weights w0,
 *
 *   minimize Q(w) = |G (w - w0) + g 1|^2 / 2 + N lambda |w - w0|^2 / 2   subject to |w|_0 <= k,
 *
 * which is N times the quadratic model of the loss with the empirical Fisher matrix, its first-order term
 * scaled by g. No n x n matrix.
 *
 * Hard thresholding from solutions on the support, rather than from any point: with w the best weights on the
 * support S, and y = (lambda N I + G_S G_S')^-1 (G_P w0_P - g 1), a gradient step of length 1 / (lambda N)
 * leads to z = w0 + G' y, which is w on S, so that only the weights of P move. Line search on the support
 * gives steps that are shorter by the condition number of the system, and practically never change the
 * support. A step of this length can be too long: then only the exchanges that matter most are made, as few
 * as it takes for Q to fall.
 *
 * Measured on MLPNet (docs/results/second-order-mlpnet.md), nearly all of the gain over one update of the
 * largest magnitudes is that of the stages: Q is fitted to few samples, and a lower one is not always a
 * better network.
 */
import type { Vector } from '../../../linear/vector.ts'
import type { Workspace } from '../../../linear/workspace.ts'
import { Ranking } from '../../../select/ranking.ts'
import { selectTop } from '../../../select/top.ts'
import type { GramBlock } from '../fisher/columns.ts'
import { concatenate, type Masks, split } from '../fisher/flat.ts'
import { bestOn, type Point } from './ridge.ts'

export interface ChitaOptions {
  /** Weights to keep, over all tensors. */
  keep: number
  /** Damping. */
  lambda: number
  /** g, the scale of the first-order term. Default 1; 0 leaves it out. */
  firstOrder?: number
  /** Accepted steps at most. Default 2: the first ones bring most. */
  iterations?: number
  /**
   * Called with every support that is accepted, the start included: Q of the best weights on it, and how many
   * weights were exchanged.
   */
  progress?: (iteration: number, objective: number, exchanged: number) => void
}

/** A step that does not lower Q is tried again with this share of its exchanges. */
const SHRINK = 1 / 4

/**
 * The support: one mask per tensor (in the order of the blocks), with exactly `keep` ones; the search starts
 * from the largest |w0|. Weights that are 0 may return. `systematicUpdates` gives the best weights on it. Q
 * never increases. Throws UserError where a weight is not finite or lambda is too small.
 */
export function chitaSupport(
  space: Workspace,
  blocks: readonly GramBlock[],
  weights: readonly Vector[],
  { keep, lambda, firstOrder = 1, iterations = 2, progress = () => {} }: ChitaOptions,
): Masks {
  const dense = concatenate(weights)
  const start = new Float32Array(dense.length)
  selectTop([dense.map(Math.abs)], keep, [start])
  const at = (support: Uint8Array) => bestOn(space, blocks, dense, support, lambda, firstOrder)
  let point = at(Uint8Array.from(start))
  progress(0, point.objective, 0)
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const exchanges = wanted(point)
    let count = exchanges.length
    let next: Point | undefined
    for (; count > 0 && !next; count = next ? count : Math.floor(count * SHRINK)) {
      const tried = at(exchanged(point.support, exchanges.slice(0, count)))
      if (tried.objective < point.objective * (1 - 1e-9)) next = tried
    }
    if (!next) break
    point = next
    progress(iteration, point.objective, count)
  }
  return split(
    point.support,
    weights.map(({ length }) => length),
  )
}

interface Exchange {
  back: number
  gone: number
}

/**
 * What keeping the largest |z| would exchange: the largest of the removed for the smallest of the kept, as
 * long as it is larger.
 */
function wanted({ support, z }: Point): Exchange[] {
  const sizes = z.map(Math.abs)
  const items = Int32Array.from(z.keys())
  const gone = new Ranking(
    sizes,
    items.filter((q) => support[q] !== 0),
  )
  const back = new Ranking(
    sizes.map((size) => -size),
    items.filter((q) => support[q] === 0),
  )
  const exchanges: Exchange[] = []
  for (let i = 0; i < Math.min(back.length, gone.length); i++) {
    if (sizes[back.at(i)] <= sizes[gone.at(i)]) break
    exchanges.push({ back: back.at(i), gone: gone.at(i) })
  }
  return exchanges
}

function exchanged(support: Uint8Array, exchanges: readonly Exchange[]): Uint8Array {
  const changed = support.slice()
  for (const { back, gone } of exchanges) {
    changed[back] = 1
    changed[gone] = 0
  }
  return changed
}
