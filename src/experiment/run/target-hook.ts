/** @file The choice for a target, between two steps of a run: before anything is pruned. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { encodeSafetensors } from '../../formats/safetensors.ts'
import { LevelStore } from '../../target/level-store.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import type { Hook } from '../../train/train.ts'
import { writeAtomically } from '../../util/files.ts'
import { sha256 } from '../../util/sha256.ts'
import type { RunPlan } from '../plan/resolve.ts'
import { chooseForTarget, metText, type TargetPlan } from '../plan/target.ts'
import { recipeToYaml } from '../recipe/recipe.ts'
import type { RunFolder } from './folder.ts'
import type { PruningTold } from './hooks.ts'

type Told = Pick<PruningTold, 'folder' | 'journal' | 'clock' | 'onUnstoppable'>

/**
 * Chooses before the first event what goes of every tensor and writes that into the folder; nothing where
 * there is no target. What was measured when a run is killed in the middle is kept until the choice is made.
 */
export function targetHooks({ recipe, schedule, target }: RunPlan, told: Told): Hook[] {
  if (!schedule || !target) return []
  const { folder, journal, clock, onUnstoppable } = told
  return [
    {
      async atStep(step, network) {
        if (step !== schedule.start) return
        const levels = join(folder.path, 'levels')
        const key = [encodeSafetensors(weightsOf(network)), recipeToYaml(recipe), network.machine.description]
        onUnstoppable?.(true, folder.path)
        try {
          await clock.outsideUntil(() =>
            chooseForTarget(recipe, target, network, {
              store: new LevelStore(levels, sha256(key)),
              onProgress: (phase, text, share) => journal.tell({ type: 'pruning', phase, text, share }),
            }),
          )
        } finally {
          onUnstoppable?.(false, folder.path)
        }
        writeAtomically(folder.file('target'), `${JSON.stringify(chosenIn(target))}\n`)
        rmSync(levels, { recursive: true, force: true })
        journal.tell({ type: 'notice', text: metText(target) })
      },
    },
  ]
}

/** What a run's folder holds of a choice. */
interface ChosenInFile {
  sparsities: Record<string, number>
  /** How many stay. */
  channels?: Record<string, number>
  share: number
  reached?: string
}

const chosenIn = ({ sparsities, channels, share, reached }: TargetPlan): ChosenInFile => ({
  sparsities: Object.fromEntries(sparsities),
  ...(channels && { channels: Object.fromEntries(channels) }),
  share,
  reached,
})

/** Brings back what a run has chosen, where it has. */
export function restoreTarget({ target }: RunPlan, folder: RunFolder): void {
  if (!target || !folder.has('target')) return
  const {
    sparsities,
    channels = {},
    share,
    reached,
  }: ChosenInFile = JSON.parse(readFileSync(folder.file('target'), 'utf8'))
  target.share = share
  target.reached = reached
  for (const [name, sparsity] of Object.entries(sparsities)) target.sparsities.set(name, sparsity)
  for (const [name, count] of Object.entries(channels)) target.channels!.set(name, count)
}
