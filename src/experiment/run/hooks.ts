/**
 * @file What happens between the steps of a training: a snapshot is written, active weights freeze, weights
 * go, factors are balanced.
 */
import { writeSafetensors } from '../../formats/safetensors.ts'
import { freezeActive } from '../../methods/gsm/rule.ts'
import { methods } from '../../methods/index.ts'
import { type PruningProgress, pruneAsPlanned } from '../../methods/method.ts'
import { gradualPruning, type PruneResult } from '../../methods/prune.ts'
import { balancing } from '../../methods/sign-in.ts'
import { refuseCollapse } from '../../sparsity/collapse.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import type { Network } from '../../train/network.ts'
import type { Hook } from '../../train/train.ts'
import { UserError } from '../../util/errors.ts'
import type { RunPlan } from '../plan/resolve.ts'
import type { Recipe } from '../recipe/schema.ts'
import type { RunClock } from './clock.ts'
import type { RunFolder } from './folder.ts'
import type { Journal } from './journal.ts'

/** Writes the weights to go back to, at the step that the plan names; nothing where it names none. */
export function snapshotHooks({ snapshot }: RunPlan, network: Network, folder: RunFolder): Hook[] {
  if (snapshot === undefined) return []
  const atStep = (step: number) => {
    if (step === snapshot) writeSafetensors(folder.file('snapshot'), weightsOf(network))
  }
  return [{ atStep }]
}

/** Freezes the active weights of GSM at the step that the plan names; nothing where it names none. */
export function freezeHooks({ freeze }: RunPlan, network: Network): Hook[] {
  if (freeze === undefined) return []
  const atStep = (step: number) => {
    if (step === freeze) freezeActive(network)
  }
  return [{ atStep }]
}

/** Balances the factors of Sign-In as often as the plan says; nothing where there are none. */
export function balancingHooks({ recipe, balance }: RunPlan): Hook[] {
  const { signIn } = recipe.train
  return signIn && balance !== undefined ? [balancing({ scaling: signIn.scaling, every: balance })] : []
}

export interface PruningTold {
  folder: RunFolder
  journal: Journal
  clock: RunClock
  /** As of a run's options. */
  onUnstoppable?(is: boolean, folder: string): void
  /** After an event. */
  onPruned(result: PruneResult): void
}

/** Prunes at the events of the schedule; nothing where there is none. */
export function pruningHooks(
  { recipe, schedule, pruning, target }: RunPlan,
  dense: Network,
  told: PruningTold,
): Hook[] {
  if (!schedule || !pruning) return []
  const { folder, journal, clock, onUnstoppable, onPruned } = told
  // Such an event may go on for minutes, and serves no signal: from its first moment they end the run.
  const looksAtData = !methods[recipe.prune!.method].stored || !!pruning.refresh || !!pruning.polish
  return [
    gradualPruning({
      schedule,
      event: (network, event, index) =>
        clock.outside(() => {
          const progress: PruningProgress = (phase, text, share) =>
            journal.tell({ type: 'pruning', phase, text, share })
          const long = looksAtData
          if (long) onUnstoppable?.(true, folder.path)
          try {
            const due = target ? { ...event, sparsity: event.at(target.share) } : event
            return pruneAsPlanned(pruning, network, due, index, progress)
          } finally {
            if (long) onUnstoppable?.(false, folder.path)
          }
        }),
      before: (_step, whole) => {
        if (whole) writeSafetensors(folder.file('dense'), weightsOf(dense))
      },
      after: (step, asked, result) => {
        const wanted = target ? result.sparsity : asked
        if (recipe.prune?.onCollapse === 'error') refuseCollapse(result, wanted)
        refuseStarved(recipe, result, wanted)
        journal.recordPruning(step, wanted, result)
        onPruned(result)
      },
    }),
  ]
}

/**
 * Throws UserError where outputs at constant fan-in have so few weights that nothing is left to be rewired:
 * srigl gives a tensor without weights none back, so that the network would never see its input.
 */
function refuseStarved({ prune, rewire }: Recipe, { deadOutputs, outputs, layers }: PruneResult, target: number): void {
  if (!rewire || prune?.granularity !== 'fan-in' || deadOutputs < outputs) return
  const empty = layers.filter(({ kept }) => kept === 0).map(({ name }) => name)
  const listed = `${empty.slice(0, 3).join(', ')}${empty.length > 3 ? ` and ${empty.length - 3} more` : ''}`
  throw new UserError(
    `prune.sparsity: ${target} at a constant fan-in leaves no weight in ${listed}, and ${rewire.method} gives a layer without weights none back: expected a lower sparsity, or a prune.floor`,
  )
}
