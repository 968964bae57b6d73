/**
 * @file What a stage of second-order pruning begins with, and what a method makes of it: masks, and changes
 * of the weights that go with them.
 */
import type { Workspace } from '../../linear/workspace.ts'
import type { StageBudget } from './budget.ts'
import type { Composition } from './composition.ts'
import type { FisherColumns } from './fisher/fisher-columns.ts'
import type { Judge } from './judge.ts'
import type { Step } from './line-search.ts'
import { topMasks } from './masks.ts'
import type { Phase, SecondOrderOptions, StageReport } from './options.ts'
import type { SystematicUpdate } from './update.ts'

/** Options that are no settings of a stage, or have no usual value of their own for all methods. */
type Others = 'stages' | 'judge' | 'judgeStart' | 'sparsity' | 'sparsities' | 'flops' | 'flopsPower' | 'lambda'

/** Options with what is usual where nothing was said. */
export interface Settings
  extends Required<Omit<SecondOrderOptions, Others | keyof Composition>>,
    Pick<SecondOrderOptions, 'lambda'> {
  composition: Composition
  /** Of the start `masks`, one per tensor. */
  masks?: readonly Float32Array[]
  /** What the scores of each tensor are divided by. Absent: nothing. */
  divisors?: readonly number[]
}

export interface Stage extends StageBudget {
  /** From 1. */
  readonly stage: number
  readonly settings: Settings
  /** One list per tensor. */
  readonly weights: Float32Array[]
  readonly space: Workspace
  readonly columns: FisherColumns
  readonly judge: Judge
  /** Of start masks. */
  readonly judgeStart: Judge
  readonly clock: Clock
}

/** A change of the weights that goes with masks. */
export type Update = Pick<SystematicUpdate, 'compensation'> & Partial<SystematicUpdate> & { damping?: number }

/** What a method makes of a stage: candidates of which the one of the lowest loss is taken. */
export interface Proposal {
  tried: Tried[]
  report?: Pick<StageReport, 'search' | 'residual'>
}

/** Masks, one per tensor, perhaps with an update and the best step along it. */
export interface Tried {
  masks: Float32Array[]
  update?: Update
  /** Loss without the update. */
  selected: number
  step: Step & { loss: number }
}

/** Time by phase. */
export class Clock {
  readonly seconds: Record<Phase, number> = { gradients: 0, inverse: 0, search: 0, update: 0 }

  timed<T>(phase: Phase, work: () => T): T {
    const start = performance.now()
    try {
      return work()
    } finally {
      this.seconds[phase] += (performance.now() - start) / 1000
    }
  }
}

/**
 * Exactly as many ones as the stage keeps, at the largest scores (in faithful mode one fewer); where the
 * scope is layerwise, the same share of every tensor, or the tensor's own. Under a budget of multiply-adds at
 * most as many.
 */
export function stageMasks(
  { sparsity, sparsities, multiplyAdds, settings }: Pick<Stage, keyof StageBudget | 'settings'>,
  scores: readonly (Float32Array | Float64Array)[],
): Float32Array[] {
  const { scope, faithful, divisors } = settings
  const weighed = divisors ? scores.map((some, t) => some.map((score) => score / divisors[t])) : scores
  return topMasks(weighed, { sparsity, sparsities, scope, faithful, multiplyAdds })
}

/** By |w|, or w^2 where it is the sum that counts. */
export function magnitudeMasks(stage: Pick<Stage, keyof StageBudget | 'settings' | 'weights'>): Float32Array[] {
  const score = stage.multiplyAdds ? (x: number) => x * x : Math.abs
  return stageMasks(
    stage,
    stage.weights.map((w) => w.map(score)),
  )
}
