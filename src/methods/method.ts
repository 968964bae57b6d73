/**
 * @file What a pruning method is. Recipes, `espalier prune`, sweeps, lists and the library know methods by
 * this alone: a method says what it is, what can be set, and makes a plan, which is asked for before there is
 * a network, because it may need programs of it.
 */
import type { z } from 'zod'
import type { Floats } from '../engine/machine.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { keptCount } from '../sparsity/count.ts'
import type { PruningEvent } from '../sparsity/schedule.ts'
import type { ScopeName } from '../sparsity/scope.ts'
import type { PrunableSet } from '../sparsity/tensors.ts'
import type { Kernels } from '../train/kernels.ts'
import type { Network } from '../train/network.ts'
import type { NetworkOptions } from '../train/options.ts'
import { UserError } from '../util/errors.ts'
import { type MaskOptions, type Polished, type PruneResult, prunedResult, type RefreshedStatistics } from './masks.ts'

/** Keys of a recipe's `prune` section under which a family of methods has its settings. */
export type Section = 'scoring' | 'secondOrder' | 'layerwise'

/** Calls a setting by the name that a person knows: `--samples`, or `prune.scoring.samples`. */
export type NameOf = (setting: string) => string

export interface Method {
  /** One line: what decides, and the paper. */
  readonly summary: string
  readonly section: Section
  /** All settings of the family, none of them required. */
  readonly settings: z.ZodObject
  /** Those that this method has a use for. */
  readonly takes: readonly string[]
  /** The scopes that it knows. */
  readonly scopes: readonly ScopeName[]
  /**
   * Whether it ranks weights by scores: then granularities, floors and sparsities of single tensors apply.
   */
  readonly ranked: boolean
  /** Whether single tensors may have sparsities of their own, with scope layerwise. */
  readonly sparsities: boolean
  /**
   * Whether it keeps to a budget of multiply-adds beside the sparsity, with scope global: it chooses by
   * scores that can be summed.
   */
  readonly flops: boolean
  /** Whether stored weights are all that it looks at: no data, and no network that has to run. */
  readonly stored: boolean
  /** The tensors that it prunes where nobody says which. */
  readonly prunable: PrunableSet
  /** Whether it can prune once only, since what it keeps is given. Default false. */
  readonly onlyOnce?: boolean
  /** What some settings made of it, as messages add it to its name: ` with search none`. */
  readonly beside?: string
  /**
   * The method as it is with some settings, where what it takes and knows depends on them. They may be those
   * of flags, unchecked.
   */
  with?(settings: object): Method
  /**
   * Throws UserError where settings do not fit together. They may be those of the schema, without defaults.
   */
  check?(settings: object, nameOf: NameOf): void
  /** Throws UserError where a setting does not fit the network or the data. */
  plan(settings: object, request: PruningRequest): Promise<PruningPlan>
}

/** What is to be pruned, as far as it is known before there is a network. */
export interface PruningRequest {
  model: Model
  /** What the data set is called, and the number of training samples that are not held out. */
  data: { name: string; samples: number }
  tensors: readonly Tensor[]
  scope: ScopeName
  /** How masks are made of scores. */
  masks?: Omit<MaskOptions, 'sparsity' | 'scope'>
  /** How many weights of the tensors will be left, where that is known before there is a network. */
  left?: number
  /** Final sparsities by tensor, where they are not all the same; then the scope is of no account. */
  sparsities?: ReadonlyMap<string, number>
  /** Share of the tensors' dense multiply-adds that may stay in the end, above 0 to 1. Default: all. */
  flops?: number
  /** Seed of all random draws. */
  seed: number
  nameOf: NameOf
  /** Whether the network is trained afterwards: then nothing is polished unless it is asked for. */
  trained?: boolean
  /** The file that a path of a setting names, such as the model of a run folder. Default: the path itself. */
  fileOf?(path: string): string
  /** A folder in which gradients are kept, and what is told of it. */
  cache?: { folder: string; notice(sentence: string): void }
}

/** How much of a phase is done, 0 (it begins) to 1; absent for what is worth a line of its own. */
export type PruningProgress = (phase: string, text: string, share?: number) => void

export interface PruningPlan {
  /** Settings with what is usual filled in, for reports. */
  settings: Readonly<Record<string, number | string | boolean | undefined>>
  /** Options that the network needs to be made with. */
  network: Pick<NetworkOptions, 'programs' | 'judged' | 'prunable'> & {
    /** Where the method works with these kernels only. */
    kernels?: Kernels
  }
  /**
   * Whether weights may have to go at a sparsity of 0: for a budget of multiply-adds, or from some tensors.
   */
  readonly budgets?: boolean
  /**
   * Of a method that scores all weights once, whatever the sparsity: the scores of the network as it is, by
   * tensor. Absent where scores depend on what has gone before.
   */
  scores?(network: Network): ReadonlyMap<string, Floats>
  /** Prunes at an event of a schedule (index 0 is the first). */
  prune(network: Network, event: PruningEvent, index: number, progress?: PruningProgress): PruneResult
  /** Gives batch normalizations new statistics, where that was asked for. */
  refresh?(network: Network, progress?: PruningProgress): RefreshedStatistics
  /** Updates the weights that are left, at last, where that was asked for. */
  polish?(network: Network, progress?: PruningProgress): Polished
}

/**
 * Whether a method, called `name`, has a use for every setting that is given, and they fit together. Throws
 * UserError.
 */
export function checkSettings(name: string, method: Method, settings: object, nameOf: NameOf): void {
  const { takes, beside = '', check } = withSettings(method, settings)
  for (const [key, value] of Object.entries(settings))
    if (value !== undefined && !takes.includes(key))
      throw new UserError(`${nameOf(key)}: ${name}${beside} has no use for it, expected no such setting`)
  check?.(settings, nameOf)
}

/** A method as it is with some settings. */
export const withSettings = (method: Method, settings: object): Method => method.with?.(settings) ?? method

/** How many weights of some tensors a sparsity leaves. */
export const leftOf = (tensors: readonly Tensor[], sparsity: number): number =>
  keptCount(
    tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    sparsity,
  )

/** The event of pruning once to a sparsity. */
export const once = (sparsity: number): PruningEvent => ({ step: 0, sparsity, at: (final) => final })

/** What a plan does at an event, in this order. */
export type Act = 'prune' | 'refresh' | 'polish'

/**
 * What a plan does at an event: it prunes, takes new statistics and polishes, where that was asked for;
 * nothing where no weight has to go. `after` is told of every act, and whether what it did stays.
 */
export function pruneAsPlanned(
  plan: PruningPlan,
  network: Network,
  event: PruningEvent,
  index: number,
  progress?: PruningProgress,
  after: (act: Act, stays: boolean) => void = () => {},
): PruneResult {
  const idle = event.sparsity === 0 && !plan.budgets
  const result = idle ? prunedResult(network) : plan.prune(network, event, index, progress)
  after('prune', true)
  if (idle) return result
  const statistics = plan.refresh?.(network, progress)
  if (statistics) after('refresh', statistics.taken)
  const polished = plan.polish?.(network, progress)
  if (polished) after('polish', true)
  return { ...result, ...(statistics && { statistics }), ...(polished && { polished }) }
}
