/**
 * @file Pruning a network: scores, masks, zeros. Once, or gradually while it trains.
 */
import { collapsedLayers, type LayerCount, sparsityOf, writeMasks } from '../prune/mask.ts'
import { type SaliencyName, saliencies } from '../prune/saliency/index.ts'
import type { Saliency } from '../prune/saliency/saliency.ts'
import { type PruningSchedule, pruningEvents } from '../prune/schedule.ts'
import { type Scope, type ScopeName, scopes } from '../prune/scope.ts'
import type { Network } from '../train/network.ts'
import type { Hook } from '../train/train.ts'
import { random } from '../util/random.ts'

export interface PruneOptions {
  /** Default `magnitude`. */
  method?: SaliencyName
  /** Default `global`. */
  scope?: ScopeName
  /** Share of zeros among all prunable weights, 0 to 1. */
  sparsity: number
  /** Seed of methods that draw. Default 0. */
  seed?: number
}

export interface PruneResult {
  layers: LayerCount[]
  /** Share of zeros among prunable weights, counted. */
  sparsity: number
  /** Layers that kept nothing. */
  collapsed: LayerCount[]
}

/**
 * Prunes a network once: exactly n - round(sparsity n) weights of each group of the scope are kept. Weights that were removed
 * before stay removed, so a lower sparsity than the present one changes nothing; removed weights and their momentum become zero.
 */
export function prune(network: Network, options: PruneOptions, event = 0): PruneResult {
  const { method = 'magnitude', scope = 'global', sparsity, seed = 0 } = options
  const saliency: Saliency = saliencies[method]
  const ranking: Scope = scopes[scope]
  const layers = network.layers()
  saliency.score(
    layers.map(({ name, scores }) => ({ name, scores, weights: network.values(name) })),
    (name) => random(seed, 'saliency', method, name, event),
  )
  writeMasks(layers, ranking, sparsity, (group, keep) => network.selectTop(group, keep))
  network.applyMasks()
  network.fitKernels()
  const counts = network.counts()
  return { layers: counts, sparsity: sparsityOf(counts), collapsed: collapsedLayers(counts) }
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
