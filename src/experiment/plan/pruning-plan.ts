/**
 * @file How a recipe prunes at its events: by second derivatives of trained weights, or by the scores of a
 * saliency.
 */
import type { Dataset } from '../../data/dataset.ts'
import { type PruneResult, prune } from '../../methods/prune.ts'
import { Scoring } from '../../methods/saliency/scoring/scoring.ts'
import type { Model } from '../../models/model.ts'
import { raiseToFloor } from '../../sparsity/floor.ts'
import type { PruningEvent } from '../../sparsity/schedule.ts'
import { type Scope, scopes } from '../../sparsity/scope.ts'
import { sparsitiesOf, tensorwise } from '../../sparsity/sparsities.ts'
import type { Kernels } from '../../train/kernels.ts'
import type { Network } from '../../train/network.ts'
import type { NetworkOptions } from '../../train/options.ts'
import { maskOptions, prunableNames, tensorsToPrune } from '../recipe/mask-keys.ts'
import { isSecondOrder, type Recipe } from '../recipe/recipe.ts'
import { secondOrderPlan } from './second-order.ts'

export interface PruningPlan {
  /** Of the network's options. */
  programs: NonNullable<NetworkOptions['programs']>
  judged?: number
  /** Where it works with these kernels only. */
  kernels?: Kernels
  /** Prunes at an event of the schedule (index 0 is the first). */
  prune(network: Network, event: PruningEvent, index: number, progress?: PruningProgress): PruneResult
}

/** How much of a phase is done, 0 (it begins) to 1; absent for what is worth a line of its own. */
export type PruningProgress = (phase: string, text: string, share?: number) => void

/**
 * Undefined where the recipe prunes nothing. Throws UserError where the training set is too small or settings
 * do not fit.
 */
export function pruningPlan(recipe: Recipe, model: Model, data: Dataset): PruningPlan | undefined {
  const { prune: section, seed } = recipe
  if (!section || isSecondOrder(section.method)) return secondOrderPlan(recipe, model, data)
  const { method, scoring: { samples, ...options } = {} } = section
  const available = data.train.count - recipe.data.validation
  const finals =
    section.sparsities &&
    sparsitiesOf(tensorsToPrune(section, model), section.sparsity, section.sparsities, 'prune.sparsities')
  checkFloor(section, model, finals, recipe.model.masks !== undefined)
  const scoring = new Scoring({
    ...options,
    method,
    available,
    prunable: prunableNames(section, model),
    samples: samples === 'all' ? available : samples,
  })
  return {
    programs: scoring.programs,
    prune(network, { sparsity, at }, index, tell = () => {}) {
      tell('scoring', '', 0)
      const progress = (done: number, total: number) => tell('scoring', `${done} of ${total}`, done / total)
      const scope = finals ? tensorwise((name) => at(finals.get(name)!)) : section.scope
      return prune(network, { method: scoring, scope, sparsity, ...maskOptions(section), seed, progress }, index)
    },
  }
}

/**
 * Whether the floor of every layer fits the final sparsity, as far as that can be said before training.
 * Throws UserError.
 */
function checkFloor(
  section: NonNullable<Recipe['prune']>,
  model: Model,
  finals: ReadonlyMap<string, number> | undefined,
  masked: boolean,
): void {
  const { floor, count } = maskOptions(section)
  // Of whole channels, and of layers that have lost weights already, other counts are due.
  if (!floor || masked || section.granularity === 'channel') return
  const scope: Scope = finals ? tensorwise((name) => finals.get(name)!) : scopes[section.scope]
  raiseToFloor(scope.groups(tensorsToPrune(section, model), section.sparsity, count), floor)
}
