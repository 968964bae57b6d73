/** @file How a recipe prunes at its events: by second derivatives of trained weights, or by the scores of a saliency. */
import type { Dataset } from '../data/dataset.ts'
import type { Model } from '../models/model.ts'
import type { Kernels } from '../train/kernels.ts'
import type { Network, NetworkOptions } from '../train/network.ts'
import { type PruneResult, prune } from '../workflow/prune.ts'
import { Scoring } from '../workflow/scoring/scoring.ts'
import { maskOptions, prunableNames } from './mask-keys.ts'
import { isSecondOrder, type Recipe } from './recipe.ts'
import { secondOrderPlan } from './second-order.ts'

export interface PruningPlan {
  /** Of the network's options. */
  programs: NonNullable<NetworkOptions['programs']>
  judged?: number
  /** Where it works with these kernels only. */
  kernels?: Kernels
  /** Prunes to a sparsity, at an event of the schedule (0 is the first). */
  prune(network: Network, sparsity: number, event: number, progress?: PruningProgress): PruneResult
}

/** How much of a phase is done, 0 (it begins) to 1; absent for what is worth a line of its own. */
export type PruningProgress = (phase: string, text: string, share?: number) => void

/** Undefined where the recipe prunes nothing. Throws UserError where the training set is too small or settings do not fit. */
export function pruningPlan(recipe: Recipe, model: Model, data: Dataset): PruningPlan | undefined {
  const { prune: section, seed } = recipe
  if (!section || isSecondOrder(section.method)) return secondOrderPlan(recipe, model, data)
  const { method, scoring: { samples, ...options } = {} } = section
  const available = data.train.count - recipe.data.validation
  const scoring = new Scoring({
    ...{ ...options, method, available, prunable: prunableNames(section, model) },
    samples: samples === 'all' ? available : samples,
  })
  return {
    programs: scoring.programs,
    prune(network, sparsity, event, tell = () => {}) {
      tell('scoring', '', 0)
      const progress = (done: number, total: number) => tell('scoring', `${done} of ${total}`, done / total)
      const masks = { scope: section.scope, sparsity, ...maskOptions(section) }
      return prune(network, { method: scoring, ...masks, seed, progress }, event)
    },
  }
}
