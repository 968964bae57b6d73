/**
 * @file FALCON (Meng et al. 2024, arXiv 2403.07094): the quadratic model Q of CHITA (../chita/formulas.ts)
 * under two budgets together, at most S weights, of at most F multiply-adds,
 *
 *   minimize Q(w)   subject to   |w|_0 <= S,  sum of f_q over w_q != 0 <= F,
 *
 * by discrete first-order steps: w <- P(w - t grad Q(w)), where P keeps the selection of the largest sum of
 * squares that both budgets allow (src/select/two-budgets.ts), with the best weights on the support after
 * every step (the paper's back-solve). It starts from P(w0), which is its magnitude pruning. With w best on
 * its support S, the gradient is 0 there, and a step of length t = s / (lambda N) leads to w on S and to s z
 * off it, z as in CHITA. s is 1, and shorter as long as Q does not fall.
 */
import type { Vector } from '../../../linear/vector.ts'
import type { Workspace } from '../../../linear/workspace.ts'
import { selectWithin } from '../../../select/two-budgets.ts'
import { bestOn, type Point } from '../chita/ridge.ts'
import type { GramBlock } from '../fisher/columns.ts'
import { concatenate, type Masks, split } from '../fisher/flat.ts'

export interface FalconOptions {
  /** S: weights to keep at most, over all tensors. */
  keep: number
  /** f: multiply-adds of each weight of a tensor, in the order of the blocks. */
  costs: readonly number[]
  /** F: multiply-adds of the kept weights at most. */
  most: number
  /** Damping. */
  lambda: number
  /** g, the scale of the first-order term. Default 1; 0 leaves it out. */
  firstOrder?: number
  /** Accepted steps at most. Default 2, as of CHITA. */
  iterations?: number
  /** Called with every support that is accepted, the start included: Q of the best weights on it. */
  progress?: (iteration: number, objective: number) => void
}

/**
 * A step that does not lower Q is tried again with s shorter by this, until it exchanges a share of the
 * weights.
 */
const SHORTER = 0.9
const FEWER = 1 / 4

/**
 * The support: one mask per tensor (in the order of the blocks) that keeps both budgets. Weights that are 0
 * may return. `systematicUpdates` gives the best weights on it. Q never increases. Throws UserError where a
 * weight is not finite or lambda is too small.
 */
export function falconSupport(
  space: Workspace,
  blocks: readonly GramBlock[],
  weights: readonly Vector[],
  { keep, costs, most, lambda, firstOrder = 1, iterations = 2, progress = () => {} }: FalconOptions,
): Masks {
  const dense = concatenate(weights)
  const sizes = weights.map(({ length }) => length)
  const project = (values: Float64Array): Uint8Array => {
    const squares = values.map((x) => x * x)
    const masks = new Float64Array(values.length)
    selectWithin(split(squares, sizes), costs, { count: keep, cost: most }, split(masks, sizes))
    return Uint8Array.from(masks)
  }
  const at = (support: Uint8Array) => bestOn(space, blocks, dense, support, lambda, firstOrder)
  let point = at(project(dense))
  progress(0, point.objective)
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const next = lower(point, project, at)
    if (!next) break
    point = next
    progress(iteration, point.objective)
  }
  return split(point.support, sizes)
}

/**
 * The point after the longest step that lowers Q, of those that exchange at most a quarter of the weights
 * that the one tried before did; none where no step does.
 */
function lower(
  { support, z, objective }: Point,
  project: (values: Float64Array) => Uint8Array,
  at: (support: Uint8Array) => Point,
): Point | undefined {
  let most = Number.POSITIVE_INFINITY
  for (let length = 1; most >= 1; length *= SHORTER) {
    const next = project(z.map((x, q) => (support[q] === 0 ? length * x : x)))
    const exchanged = exchanges(support, next)
    if (exchanged === 0) break
    if (exchanged > most) continue
    const tried = at(next)
    if (tried.objective < objective * (1 - 1e-9)) return tried
    most = exchanged === 1 ? 0 : Math.ceil(exchanged * FEWER)
  }
  return undefined
}

/** How many weights come back, or go, whichever is more. */
function exchanges(from: Uint8Array, to: Uint8Array): number {
  let [back, gone] = [0, 0]
  for (let q = 0; q < from.length; q++) {
    if (from[q] < to[q]) back++
    else if (from[q] > to[q]) gone++
  }
  return Math.max(back, gone)
}
