/** @file Pruning a network by a saliency and a scope: once, or while it trains. */

import type { Floats } from '../engine/machine.ts'
import { countKept } from '../sparsity/mask.ts'
import { multiplyAddsOf, weightCosts } from '../sparsity/multiply-adds.ts'
import { type PruningEvent, type PruningSchedule, pruningEvents } from '../sparsity/schedule.ts'
import type { Network } from '../train/network.ts'
import type { Hook } from '../train/train.ts'
import { checkWhole } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { flopsAt } from './flops.ts'
import { liftMasks } from './lift-masks.ts'
import { checkMaskOptions, type MaskOptions, masksByScores, type PruneResult, writeRound } from './masks.ts'
import { type SaliencyName, saliencyOf } from './saliency/index.ts'
import { Scoring } from './saliency/scoring/scoring.ts'

export type { PruneResult, RefreshedStatistics } from './masks.ts'

export interface PruneOptions extends MaskOptions {
  /**
   * A method that looks at weights alone, by name, or a {@link Scoring}, whose programs the network must
   * have. Default `magnitude`.
   */
  method?: SaliencyName | Scoring
  /** Seed of everything that is drawn. Default 0. */
  seed?: number
  /** Called while the network is measured: runs of programs. */
  progress?(done: number, total: number): void
}

/**
 * Prunes a network once: exactly n - round(sparsity n) weights of each group of the scope are kept, as far as
 * the granularity allows. Weights that were removed before stay removed, so a lower sparsity than the present
 * one changes nothing; removed weights and their momentum become zero. Iterative methods get there in rounds
 * of growing sparsity. Throws UserError, with the network as it was, where a score is not finite or the masks
 * are refused.
 */
export function prune(network: Network, options: PruneOptions, event = 0): PruneResult {
  const { method = 'magnitude', sparsity, seed = 0, progress = () => {}, ...masks } = options
  checkMaskOptions(options)
  checkWhole('seed', seed, 0)
  const scoring = method instanceof Scoring ? method : scoringByName(method)
  network.densify() // Scores, masks and paths are of whole tensors.
  const before = network.layers().map(({ name, mask }) => {
    const weights = network.values(name).slice()
    return { name, weights, mask: mask.slice(), scores: weights.slice() }
  })
  const { rounds, returning } = scoring
  const total = rounds * scoring.runs
  let done = 0
  let result: PruneResult | undefined
  try {
    const targets = sparsitiesOfRounds(before, sparsity, rounds)
    const shares = masks.flops === undefined ? undefined : flopsOfRounds(network, before, masks.flops, rounds)
    for (const [round, target] of targets.entries()) {
      scoring.score(network, before, { seed, event, round }, () => progress(++done, total))
      const budgets = { sparsity: target, flops: shares?.[round] }
      if (budgets.flops !== undefined && scoring.sumsSquares) for (const { scores } of before) square(scores)
      for (const [l, { mask, scores }] of network.layers().entries()) {
        scores.set(before[l].scores)
        if (returning) mask.set(before[l].mask)
      }
      if (round < rounds - 1) writeRound(network, { ...masks, ...budgets })
      else result = masksByScores(network, { ...masks, ...budgets })
      for (const { name, weights } of before) {
        const [values, mask] = [network.values(name), network.mask(name)]
        for (let i = 0; i < weights.length; i++) values[i] = mask[i] === 0 ? 0 : weights[i]
      }
    }
  } catch (error) {
    for (const { name, weights, mask } of before) {
      network.values(name).set(weights)
      network.mask(name).set(mask)
    }
    throw error
  }
  network.applyMasks()
  network.fitKernels()
  return result!
}

function scoringByName(method: SaliencyName): Scoring {
  if (saliencyOf(method).needs)
    throw new UserError(
      `${method} measures the network: expected a Scoring whose programs the network has, found the name`,
    )
  return new Scoring({ method })
}

function square(scores: Floats): void {
  for (let i = 0; i < scores.length; i++) scores[i] *= scores[i]
}

/**
 * The sparsity after each round: each removes the same share of what is left, the last reaches the target.
 */
function sparsitiesOfRounds(layers: readonly { mask: Floats }[], sparsity: number, rounds: number): number[] {
  const size = layers.reduce((sum, { mask }) => sum + mask.length, 0)
  const density = layers.reduce((sum, { mask }) => sum + countKept(mask), 0) / size
  const share = density > 0 ? Math.min((1 - sparsity) / density, 1) : 0
  return Array.from({ length: rounds }, (_, round) =>
    round === rounds - 1 ? sparsity : 1 - density * share ** ((round + 1) / rounds),
  )
}

/** The share of multiply-adds after each round, in the same way. */
function flopsOfRounds(
  network: Network,
  layers: readonly { name: string; mask: Floats }[],
  flops: number,
  rounds: number,
): number[] {
  const counts = layers.map(({ name, mask }) => ({ name, size: mask.length, kept: countKept(mask) }))
  const { dense, kept } = multiplyAddsOf(weightCosts(network.model), counts)
  const left = dense > 0 ? kept / dense : 1
  const share = left > 0 ? Math.min(flops / left, 1) : 0
  return Array.from({ length: rounds }, (_, round) =>
    round === rounds - 1 ? flops : left * share ** ((round + 1) / rounds),
  )
}

export interface GradualOptions extends Omit<PruneOptions, 'sparsity'> {
  schedule: PruningSchedule
  /** What happens at an event. Default: {@link prune} with the other options. */
  event?(network: Network, event: PruningEvent, index: number): PruneResult
  /**
   * Called before an event changes anything. `whole`: whether it prunes and nothing is pruned yet, which is
   * so at the first event, and of alternating phases at every one that prunes.
   */
  before?(step: number, whole: boolean): void
  /** Called after an event. */
  after?(step: number, target: number, result: PruneResult): void
}

/**
 * A training hook that prunes at the events of a schedule, and lifts all masks at those that say so. Throws
 * UserError where an option has no value that it can have.
 */
export function gradualPruning({ schedule, before, after, event, ...options }: GradualOptions): Hook {
  const events = pruningEvents(schedule)
  if (!event) {
    checkMaskOptions({ ...options, sparsity: schedule.sparsity })
    if (options.flops !== undefined && schedule.initial !== undefined)
      throw new UserError('flops: does not go with schedule.initial')
    if (!(options.method instanceof Scoring)) scoringByName(options.method ?? 'magnitude')
  }
  const pruneOnce =
    event ??
    ((network, event, index) =>
      prune(network, { ...options, sparsity: event.sparsity, flops: flopsAt(event, options.flops) }, index))
  return {
    atStep(step, network) {
      const index = events.findIndex((one) => one.step === step)
      if (index < 0) return
      const due = events[index]
      before?.(step, index === 0 || events[index - 1].lifts === true)
      const result = due.lifts ? liftMasks(network) : pruneOnce(network, due, index)
      after?.(step, due.sparsity, result)
    },
  }
}
