/** @file What second-order pruning can be asked for, what is usual, and what it reports. */
import type { LocalSearchOptions } from './brain-surgeon/local-search.ts'
import type { SearchName, StartName, UpdateName } from './composition.ts'
import type { FisherBlocks } from './fisher/parts.ts'
import type { SecondOrderMethod } from './names.ts'

export type { SecondOrderMethod } from './names.ts'

export interface SecondOrderOptions {
  method: SecondOrderMethod
  /**
   * What the method starts from, in the place of its own start: a name, or masks (1 kept, 0 removed), one per
   * tensor of the source, which have to keep as many weights as the sparsity does (in faithful mode as the
   * published code). One stage is then all.
   */
  start?: StartName | readonly Float32Array[]
  /** Which weights a local search exchanges then. Default: that of the method. */
  search?: SearchName
  /** How the others are updated. Default: as the method does. */
  update?: UpdateName
  /**
   * Whether every pass of the search is judged with the update of its masks, not without. Default false.
   */
  updateEachPass?: boolean
  /** Share of zeros among the weights of the tensors, 0 to 1. */
  sparsity: number
  /**
   * The same of every tensor of the source, where each has its own and scores decide without a search across
   * tensors; `sparsity` is then of no account. Default: weights of all tensors compete, or see `scope`.
   */
  sparsities?: readonly number[]
  /**
   * Share of the tensors' dense multiply-adds that may stay, above 0 to 1, where scores decide (magnitude,
   * obd, woodfisher, woodtaylor, kfac, cbs-update, falcon) over all tensors. Default: all.
   */
  flops?: number
  /**
   * Scores are divided by the multiply-adds of a weight to this power, where scores decide. Default 0: they
   * are not.
   */
  flopsPower?: number
  /**
   * Training samples whose gradients are taken: as many as the source says, or a multiple of that, of which
   * each stage takes the next part, in turn.
   */
  gradients: Uint32Array
  /**
   * Training samples whose loss judges masks and updates; best disjoint from `gradients`. As many as the
   * network's option `judged`.
   */
  judge: Uint32Array
  /**
   * Training samples that judge start masks; a multiple of EVALUATION_BATCH. Default: `judge`, of several
   * blocks at most the first 1280.
   */
  judgeStart?: Uint32Array
  /**
   * Damping. Default {@link usualDamping}; but of updates, not in faithful mode, the best of 1e-3, 1e-2 and
   * 1e-1 (of several blocks 1e-5, 1e-4 and 1e-3) by the loss on `judge`.
   */
  lambda?: number
  /**
   * Which weights interact: one block of all tensors, one per tensor, or at most so many consecutive weights
   * of a tensor (which selection by local search takes for one per tensor). Default `full`.
   */
  fisher?: FisherBlocks
  /**
   * Which scores compete, where saliencies decide (as for `flops`): all of them, or
   * those of a tensor each. Default `global`.
   */
  scope?: 'global' | 'layerwise'
  /**
   * Steps of growing sparsity, each removing the same share of what is left, gradients taken anew at each.
   * Default a share of what is left at each, in faithful mode 1.
   */
  stages?: number
  /**
   * Share of the descent step in updates: a number, or `search` for the one of the lowest loss on `judge`.
   * Default `search`, in faithful mode 0.
   */
  firstOrder?: number | 'search'
  /** Share of the compensation that is made, in the same way. Default `search`, in faithful mode 1. */
  scale?: number | 'search'
  /**
   * Start masks tried by randomized magnitude pruning in the first stage; 1 is magnitude alone, as in later
   * stages. Default 10, in faithful mode 50.
   */
  candidates?: number
  /** Limits of the local search, with defaults of its own. */
  limits?: SearchLimits
  /** Seed of randomized magnitude pruning. Default 0. */
  seed?: number
  /**
   * Counts, start masks, scan order and scale as in the authors' code, in order to compare with published
   * results. Default false.
   */
  faithful?: boolean
  /** Called between stages, before gradients are taken anew: new statistics of batch normalizations. */
  between?(): void
  /** Told of each part's progress, 0 to 1; of more than five stages of theirs alone. */
  onProgress?: (phase: Phase | 'stages', text: string, share?: number) => void
}

export type SearchLimits = Pick<LocalSearchOptions, 'epsilon' | 'rho' | 'tau' | 'passes' | 'patience'>

export type Phase = 'gradients' | 'inverse' | 'search' | 'update'

export interface StageReport {
  /** Weights kept after the stage, of all of the tensors. */
  kept: number
  /** What they cost, where a share of the multiply-adds was asked for. */
  multiplyAdds?: number
  /** Loss on the judging samples before the update, and after it where there is one. */
  selected: number
  updated?: number
  /** Shares of the compensation and of the descent step that were made. */
  scale?: number
  firstOrder?: number
  /** Of the update. */
  damping?: number
  /**
   * Exchanges of the local search, its objective at the start and at the end, and whether its masks were
   * taken, or after the update those of the start had the lower loss.
   */
  search?: { swaps: number; from: number; to: number; taken: boolean }
  /** Of the Fisher system, relative. */
  residual?: number
}

export interface SecondOrderResult {
  size: number
  kept: number
  stages: StageReport[]
  /** Time by phase. */
  seconds: Record<Phase, number>
}

/** Whether masks come from sparse regression on the gradients. */
const isRegression = (method: string): boolean => method === 'chita' || method === 'falcon'

/** The damping where none is asked for: CHITA steps far with few samples. */
export function usualDamping(method: SecondOrderMethod, fisher: FisherBlocks): number {
  if (isRegression(method)) return 3e-2
  return fisher === 'full' ? 1e-3 : 1e-5
}
