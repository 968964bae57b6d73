/**
 * @file CBS-S, the selection of the Combinatorial Brain Surgeon (Yu, Serra, Ramalingam & Zhe 2022, arXiv
 * 2203.04466, Algorithm 1): a local search that exchanges removed for kept weights, so that the first-order
 * effects of what is removed cancel sample by sample. The number of removed weights never changes.
 */
import type { FisherBlock } from '../fisher/columns.ts'
import type { Masks } from '../fisher/flat.ts'
import { Areas } from './areas.ts'
import type { Swap } from './pass.ts'
import { asCoded, bestOfWindow, type Limits, type Outcome } from './rules.ts'

export interface LocalSearchOptions {
  /** Least decrease of Q that an exchange must bring, in units of Q without the factor 1/2. Default 1e-4. */
  epsilon?: number
  /** How far from the place of a row its partners are sought. Default 10. */
  rho?: number
  /** Fruitless rows that end a pass. Default 20. */
  tau?: number
  /** Most passes, counting pass 0, which is the start. Default 100. */
  passes?: number
  /** Passes without a lower loss that end the search, at least 2: the loss often rises first. Default 5. */
  patience?: number
  /**
   * Passes as the authors' code has them (`asCoded` in ./rules.ts), to compare with published results.
   * Default false.
   */
  faithful?: boolean
  /**
   * Whether each block searches for itself, so that weights change places within a block only; a pass is one
   * of each block that still finds something. Default false.
   */
  within?: boolean
  /** Called after every pass, pass 0 included, with the exchanges that it made. */
  onPass?(pass: SearchPass, swaps: readonly Swap[]): void
}

export interface SearchPass {
  /** 0 is the start. */
  pass: number
  /** Exchanges made in this pass. */
  swaps: number
  /** Rows visited in this pass. */
  rows: number
  /** Exchanges tried since the start. */
  tests: number
  /** Q after this pass. */
  objective: number
  /** Of the masks after this pass. */
  loss: number
  /** Wall clock since the start. */
  seconds: number
}

export interface SearchResult {
  /** Masks of the pass with the lowest loss, the first of several. */
  masks: Masks
  /** That pass. */
  best: SearchPass
  trace: readonly SearchPass[]
  /**
   * What ended the search: no exchange lowers Q enough, the loss has not fallen for `patience` passes, or
   * `passes`.
   */
  end: 'converged' | 'patience' | 'passes'
}

/**
 * Searches from masks `start` (1 kept, 0 removed), one per tensor of all blocks in order, like `weights`, the
 * dense values. One block is the full Fisher matrix, one per tensor its block-diagonal part; exchanges cross
 * tensors and blocks either way, but for `within`. `loss` is the mean loss of the network under masks that
 * are valid during the call only. It chooses the pass, Q the exchanges. Throws Error where sizes do not
 * agree, an option is out of range or a loss is NaN; UserError where weights or gradients are not finite.
 */
export function localSearch(
  blocks: readonly FisherBlock[],
  weights: readonly ArrayLike<number>[],
  start: readonly ArrayLike<number>[],
  loss: (masks: Masks) => number,
  options: LocalSearchOptions = {},
): SearchResult {
  const { epsilon = 1e-4, rho = 10, tau = 20, passes = 100, patience = 5 } = options
  const { faithful = false, within = false, onPass } = options
  const limits = checked({ epsilon, rho, tau, passes, patience })
  const began = performance.now()
  const areas = new Areas(within ? blocks.map((block) => [block]) : [blocks], weights, start)
  const trace: SearchPass[] = []

  function record({ swaps, rows, tests }: Outcome): SearchPass {
    const last = trace.at(-1)
    const pass: SearchPass = {
      pass: trace.length,
      swaps: swaps.length,
      rows,
      tests: tests + (last?.tests ?? 0),
      objective: areas.objective(),
      loss: loss(areas.masks),
      seconds: (performance.now() - began) / 1000,
    }
    if (Number.isNaN(pass.loss)) throw new Error(`the loss after pass ${pass.pass} is NaN, expected a number`)
    // No exchange raises Q; rounding may, by less than this.
    if (last && pass.objective > last.objective * (1 + 1e-9))
      throw new Error(`pass ${pass.pass} raised Q from ${last.objective} to ${pass.objective}: this should not happen`)
    trace.push(pass)
    onPass?.(pass, swaps)
    return pass
  }

  let best = record({ swaps: [], rows: 0, tests: 0 })
  let masks = copy(areas.masks)
  for (let pass = 1; pass < passes; pass++) {
    const outcome = areas.pass((removal) => (faithful ? asCoded(removal, limits) : bestOfWindow(removal, limits)))
    if (outcome.swaps.length === 0) return { masks, best, trace, end: 'converged' }
    const now = record(outcome)
    if (now.loss < best.loss) {
      best = now
      masks = copy(areas.masks)
    } else if (now.loss > best.loss && pass - best.pass >= patience) return { masks, best, trace, end: 'patience' }
  }
  return { masks, best, trace, end: 'passes' }
}

const copy = (masks: Masks): Masks => masks.map((mask) => mask.slice())

function checked<T extends Limits & { passes: number; patience: number }>(options: T): T {
  const least = { rho: 0, tau: 1, passes: 1, patience: 2 }
  for (const [name, limit] of Object.entries(least)) {
    const value = options[name as keyof typeof least]
    if (!(Number.isInteger(value) && value >= limit))
      throw new Error(`expected ${name} to be a whole number from ${limit}, found ${value}`)
  }
  if (!(options.epsilon > 0)) throw new Error(`expected epsilon > 0, found ${options.epsilon}`)
  return options
}
