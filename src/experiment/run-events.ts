/** @file What a run says while it goes on, and what it comes to. */
import type { LayerCount } from '../prune/mask.ts'
import type { Evaluation } from '../train/network.ts'
import type { EpochResult } from '../train/train.ts'
import type { RefreshedStatistics } from '../workflow/prune.ts'

/** `pruning` tells how far an event is that takes long: how much of a phase is done, 0 (it begins) to 1; absent for what is worth a line of its own. */
export type RunEvent =
  | {
      type: 'start'
      folder: string
      engine: string
      layers: LayerCount[]
      epochs: number
      steps: number
      resumedAt?: number
    }
  | ({ type: 'progress'; sparsity: number } & Progress)
  | ({ type: 'epoch'; sparsity: number; validationLoss?: number; validationAccuracy?: number } & EpochResult)
  | {
      type: 'prune'
      step: number
      target: number
      sparsity: number
      collapsed: string[]
      statistics?: RefreshedStatistics
    }
  | { type: 'pruning'; phase: string; text: string; share?: number }
  | { type: 'notice'; text: string }
  | { type: 'end'; folder: string; result: RunResult }

export interface Progress {
  step: number
  steps: number
  epoch: number
  epochs: number
  /** Means over the epoch so far. */
  loss: number
  accuracy: number
  samplesPerSecond: number
  secondsLeft: number
}

export interface RunResult {
  layers: LayerCount[]
  /** Counted from the final weights, among prunable ones. */
  sparsity: number
  /** On the test set, just before the first pruning event. */
  dense?: Evaluation
  /** On the test set, at the end. */
  final: Evaluation
  /** Bytes of dense.safetensors (or what it would be) and of model.safetensors. */
  denseBytes: number
  modelBytes: number
  /** Of training, without evaluation, over all sessions of the run. */
  seconds: number
}

/** How a run ended. `interrupted`: by its signal, with a checkpoint to resume from. */
export interface RunOutcome {
  folder: string
  interrupted: boolean
  result?: RunResult
}
