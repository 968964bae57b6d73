/**
 * @file Pruning a network: scores, masks, zeros. Once, or gradually while it trains.
 */
import { type SaliencyName, saliencies } from '../prune/saliency/index.ts'
import type { Saliency } from '../prune/saliency/saliency.ts'
import { type PruningSchedule, pruningEvents } from '../prune/schedule.ts'
import type { Network } from '../train/network.ts'
import type { Hook } from '../train/train.ts'
import { random } from '../util/random.ts'
import { type MaskOptions, type PruneResult, pruneByScores } from './masks.ts'

export type { PruneResult } from './masks.ts'

export interface PruneOptions extends MaskOptions {
  /** Default `magnitude`. */
  method?: SaliencyName
  /** Seed of methods that draw. Default 0. */
  seed?: number
}

/**
 * Prunes a network once: exactly n - round(sparsity n) weights of each group of the scope are kept, as far as the granularity allows. Weights that were
 * removed before stay removed, so a lower sparsity than the present one changes nothing; removed weights and their momentum become zero.
 */
export function prune(network: Network, options: PruneOptions, event = 0): PruneResult {
  const { method = 'magnitude', seed = 0 } = options
  const saliency: Saliency = saliencies[method]
  saliency.score(
    network.layers().map(({ name, scores }) => ({ name, scores, weights: network.values(name) })),
    (name) => random(seed, 'saliency', method, name, event),
  )
  return pruneByScores(network, options)
}

export interface GradualOptions extends Omit<PruneOptions, 'sparsity'> {
  schedule: PruningSchedule
  /** What happens at an event. Default: {@link prune} with the other options. */
  event?(network: Network, sparsity: number, event: number): PruneResult
  /** Called before an event changes anything. */
  before?(step: number, first: boolean): void
  /** Called after an event. */
  after?(step: number, target: number, result: PruneResult): void
}

/** A training hook that prunes at the events of a schedule. */
export function gradualPruning({ schedule, before, after, event, ...options }: GradualOptions): Hook {
  const events = pruningEvents(schedule)
  const pruneOnce = event ?? ((network, sparsity, index) => prune(network, { ...options, sparsity }, index))
  return {
    atStep(step, network) {
      const index = events.findIndex((one) => one.step === step)
      if (index < 0) return
      before?.(step, index === 0)
      const result = pruneOnce(network, events[index].sparsity, index)
      after?.(step, events[index].sparsity, result)
    },
  }
}
