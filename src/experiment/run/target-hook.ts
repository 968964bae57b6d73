/** @file The choice of sparsities for a target, between two steps of a run: before anything is pruned. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { encodeSafetensors } from '../../formats/safetensors.ts'
import { LevelStore } from '../../target/level-store.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import type { Hook } from '../../train/train.ts'
import { writeAtomically } from '../../util/files.ts'
import { sha256 } from '../../util/sha256.ts'
import type { RunPlan } from '../plan/resolve.ts'
import { chooseForTarget, shareOfTarget } from '../plan/target.ts'
import { recipeToYaml } from '../recipe/recipe.ts'
import type { RunFolder } from './folder.ts'
import type { PruningTold } from './hooks.ts'

type Told = Pick<PruningTold, 'folder' | 'journal' | 'clock' | 'onUnstoppable'>

/**
 * Chooses the sparsities before the first event and writes them into the folder; nothing where there is no
 * target. What was measured when a run is killed in the middle is kept until the choice is made.
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
        writeAtomically(folder.file('target'), `${JSON.stringify(Object.fromEntries(target.sparsities))}\n`)
        rmSync(levels, { recursive: true, force: true })
        const share = (100 * shareOfTarget(target)).toFixed(2)
        journal.tell({ type: 'notice', text: `the target is met with ${share} % of the pruned weights zero` })
      },
    },
  ]
}

/** Brings the sparsities back that a run has chosen, where it has. */
export function restoreTarget({ target }: RunPlan, folder: RunFolder): void {
  if (!target || !folder.has('target')) return
  const chosen: Record<string, number> = JSON.parse(readFileSync(folder.file('target'), 'utf8'))
  for (const name of target.sparsities.keys()) target.sparsities.set(name, chosen[name])
}
