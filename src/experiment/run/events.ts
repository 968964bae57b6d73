/** @file What a run says while it goes on, and what it comes to. */

import type { CostsUsed } from '../../calibrate/cost-file.ts'
import type { Gap } from '../../methods/gsm/selection.ts'
import type { Polished, RefreshedStatistics } from '../../methods/masks.ts'
import type { RewiringEvent } from '../../methods/rewiring/event.ts'
import type { Connectivity } from '../../sparsity/collapse.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import type { MultiplyAdds } from '../../sparsity/multiply-adds.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import type { LayerGain } from '../../train/kernels.ts'
import type { EpochResult } from '../../train/train.ts'

/**
 * `pruning` tells how far an event is that takes long: how much of a phase is done, 0 (it begins) to 1;
 * absent for what is worth a line of its own.
 */
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
  | EpochReport
  | PruneReport
  | ({ type: 'rewire' } & RewiringEvent)
  | { type: 'pruning'; phase: string; text: string; share?: number }
  | { type: 'notice'; text: string }
  /** A run of several begins, counted from 1. */
  | { type: 'phase'; name: string; index: number; phases: number }
  | { type: 'end'; folder: string; result: RunResult }

/** An epoch, and how the network does on held-out samples, where there are any. */
export interface EpochReport extends Omit<EpochResult, 'outputs'> {
  type: 'epoch'
  sparsity: number
  validationLoss?: number
  validationAccuracy?: number
  /** The same by classes, as of an {@link Evaluation}. */
  validationTop5?: number
  validationPrecision?: number
  validationRecall?: number
  validationF1?: number
  /** On all samples that are trained on, and on the test set, where the recipe asks for that (validation). */
  trainSet?: Evaluation
  testSet?: Evaluation
  /** What the best epoch is found by, where it is not the accuracy. */
  metric?: 'f1'
  /** Whether its weights are the best so far, where the recipe keeps the best. */
  best?: boolean
  /** With train.gsm: how far the largest weights stand out, and the accuracy with those alone. */
  gap?: Gap
  prunedAccuracy?: number
  prunedF1?: number
  /** With train.gsm: over the steps, of weights that are active after having been passive. */
  reactivated?: number
  /**
   * With train.gsm: share of the active weights that were active at the step before too, mean over the
   * epoch's steps.
   */
  overlap?: number
}

/** A pruning event: what was asked for and what came of it. */
export interface PruneReport {
  type: 'prune'
  step: number
  /** Sparsity asked for. */
  target: number
  sparsity: number
  /** The tensors that can be pruned; absent from runs of before these were recorded. */
  layers?: LayerCount[]
  /** Share of weights that lie on no path from input to output. */
  effectiveSparsity: number
  /** Layers that kept nothing. */
  collapsed: string[]
  /** Outputs to which no path leads from the input, of so many. */
  deadOutputs: number
  outputs: number
  /** With prune.flops: of the prunable weights, all of them and those that are kept. */
  multiplyAdds?: MultiplyAdds
  /** What every layer had to keep so that nothing collapsed. */
  floor?: string
  /** With train.gsm, whose only event is the last act. */
  gap?: Gap
  /** Where batch normalizations took new statistics. */
  statistics?: RefreshedStatistics
  /** Where the weights that are left were updated at last. */
  polished?: Polished
  /** Gradients of single training samples that the event took, but for those of `polished`. */
  gradients?: number
}

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

/** Counts are of the final weights. */
export interface RunResult extends Connectivity {
  /** Which kernels the layers ran on at the end. */
  kernels: LayerGain[]
  /** The table of costs that chose them; absent from runs of before there were several. */
  costs?: CostsUsed
  /** Counted from the final weights, among prunable ones. */
  sparsity: number
  /** On the test set, just before the first pruning event; of alternating phases, before the last. */
  dense?: Evaluation
  /** On the test set, at the end. */
  final: Evaluation
  /**
   * With train.keep: best: which epoch `final` is of, and what the last one does on the test set (not with
   * train.gsm).
   */
  keptEpoch?: number
  lastEpoch?: Evaluation
  /** With prune.flops: of the prunable weights, all of them and those that are left. */
  multiplyAdds?: MultiplyAdds
  /** With train.gsm: how clear it was which weights to keep. */
  gap?: Gap
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
