/** @file How far a run is, written to its checkpoint and brought back from there. */
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.ts'
import type { RewiringHook } from '../../methods/rewiring/hook.ts'
import { checkpointOf, loadCheckpoint } from '../../train/checkpoint.ts'
import type { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import type { BestEpoch } from './best-epoch.ts'
import type { RunFolder } from './folder.ts'
import { type Progressed, progressOf } from './progressed.ts'

/** `seconds`: of training so far. */
export type RunState = Pick<Progressed, 'step' | 'steps' | 'sums' | 'seconds'>

/** What a checkpoint is of. */
export interface Saved {
  folder: RunFolder
  network: Network
  rewiring?: RewiringHook
  best?: BestEpoch
}

export function saveState({ folder, network, rewiring, best }: Saved, seed: number, state: RunState): void {
  const moved = rewiring?.save()
  const progress: Progressed = {
    ...state,
    metricsBytes: folder.size('metrics'),
    rewiring: moved?.state,
    best: best?.found,
  }
  const file = checkpointOf(network, { progress: JSON.stringify(progress), seed: String(seed) })
  for (const [name, tensor] of moved?.tensors ?? []) file.tensors.set(name, tensor)
  writeSafetensors(folder.file('checkpoint'), file)
}

/**
 * Undefined where the run had no checkpoint yet. Metrics go back to what they were when it was written.
 * Throws UserError, which says how to go on, where the checkpoint is damaged.
 */
export function restoreState({ folder, network, rewiring, best }: Saved): RunState | undefined {
  if (!folder.has('checkpoint')) {
    folder.truncateMetrics(0)
    return undefined
  }
  const path = folder.file('checkpoint')
  try {
    const file = readSafetensors(path)
    const { metricsBytes, rewiring: moved, best: found, ...state } = progressOf(file, path)
    loadCheckpoint(network, file, path)
    rewiring?.restore(moved ?? {}, file, network)
    best?.restore(found)
    folder.truncateMetrics(metricsBytes)
    return state
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(`${error.message}; delete ${path} and resume to begin the run anew, or use --force`)
  }
}
