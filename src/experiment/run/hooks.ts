/**
 * @file What a recipe does between the steps of its training: it writes a snapshot, freezes what is active,
 * prunes.
 */
import { writeSafetensors } from '../../formats/safetensors.ts'
import { gradualPruning, type PruneResult } from '../../methods/prune.ts'
import { refuseCollapse } from '../../sparsity/collapse.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import type { Network } from '../../train/network.ts'
import type { Hook } from '../../train/train.ts'
import { freezeStep } from '../plan/gsm.ts'
import type { PruningPlan, PruningProgress } from '../plan/pruning-plan.ts'
import { pruningSchedule } from '../plan/setup.ts'
import { toSteps } from '../recipe/duration.ts'
import type { Recipe } from '../recipe/recipe.ts'
import type { RunClock } from './clock.ts'
import type { RunFolder } from './folder.ts'
import type { Journal } from './journal.ts'

/** Writes the weights to go back to, at the step that the recipe names; nothing where it names none. */
export function snapshotHooks({ train }: Recipe, network: Network, folder: RunFolder): Hook[] {
  const { snapshot } = train
  if (snapshot === undefined) return []
  const at = toSteps(snapshot, network.stepsPerEpoch)
  const atStep = (step: number) => {
    if (step === at) writeSafetensors(folder.file('snapshot'), weightsOf(network))
  }
  return [{ atStep }]
}

/** Freezes the active weights of train.gsm at the step that the recipe names; nothing where it names none. */
export function freezeHooks(recipe: Recipe, network: Network): Hook[] {
  const at = freezeStep(recipe, network.stepsPerEpoch)
  if (at === undefined) return []
  const atStep = (step: number) => {
    if (step === at) network.freezeActive()
  }
  return [{ atStep }]
}

export interface PruningTold {
  folder: RunFolder
  journal: Journal
  clock: RunClock
  /** As of a run's options. */
  onUnstoppable?(is: boolean): void
  /** After an event. */
  onPruned(result: PruneResult): void
}

/** Prunes at the events of the recipe's schedule; nothing where it has none. */
export function pruningHooks(recipe: Recipe, dense: Network, plan: PruningPlan | undefined, told: PruningTold): Hook[] {
  const { prune } = recipe
  const schedule = pruningSchedule(recipe, dense.stepsPerEpoch)
  if (!plan || !prune || !schedule) return []
  const { folder, journal, clock, onUnstoppable, onPruned } = told
  return [
    gradualPruning({
      schedule,
      event: (network, event, index) =>
        clock.outside(() => {
          const started = performance.now()
          let long = false
          const progress: PruningProgress = (phase, text, share) => {
            journal.tell({ type: 'pruning', phase, text, share })
            if (long || performance.now() - started < 1000) return
            long = true
            onUnstoppable?.(true)
          }
          try {
            return plan.prune(network, event, index, progress)
          } finally {
            if (long) onUnstoppable?.(false)
          }
        }),
      before: (_step, first) => {
        if (first) writeSafetensors(folder.file('dense'), weightsOf(dense))
      },
      after: (step, target, result) => {
        if (prune.onCollapse === 'error') refuseCollapse(result, target)
        journal.recordPruning(step, target, result)
        onPruned(result)
      },
    }),
  ]
}
