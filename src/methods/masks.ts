/**
 * @file From scores to a pruned network: masks at a granularity, layer collapse found and, where asked for,
 * prevented or refused.
 */
import {
  type Connectivity,
  connectivityOf,
  isCollapsed,
  type OnCollapse,
  onCollapseKinds,
  refuseCollapse,
} from '../sparsity/collapse.ts'
import { type Count, checkSparsity, keptCount } from '../sparsity/count.ts'
import { type Floor, floorText } from '../sparsity/floor.ts'
import { findGranularity, granularities, isGranularity } from '../sparsity/granularity/index.ts'
import { type MaskedLayer, sparsityOf } from '../sparsity/mask.ts'
import { costBudget, type MultiplyAdds, multiplyAddsOf, weightCosts } from '../sparsity/multiply-adds.ts'
import { findScope, type Scope, type ScopeName, scopes } from '../sparsity/scope.ts'
import { writeMasks } from '../sparsity/write-masks.ts'
import type { Network } from '../train/network.ts'
import { checkName, checkNumber, checkWhole } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { checkFlopShare } from './flops.ts'
import type { StageReport } from './second-order/options.ts'

export interface MaskOptions {
  /** By name, or a scope of one's own. Default `global`. */
  scope?: ScopeName | Scope
  /** Share of zeros among all prunable weights, 0 to 1. */
  sparsity: number
  /** `weight` (the default), `2:4` and the like, `4x4` and the like, `fan-in`, or `channel`. */
  granularity?: string
  /** Of granularity channel: the channels that stay in a group are a multiple of it. Default 1. */
  multipleOf?: number
  /**
   * Of granularity channel, in the place of the sparsity: how many channels stay of some groups, by the name
   * of the first layer that makes them; of what is left of tensors, the scope keeps its share.
   */
  channels?: ReadonlyMap<string, number>
  /** How many weights a sparsity keeps. Default: n - round(sparsity n). */
  count?: Count
  /** What every layer keeps at least. Default: nothing. */
  floor?: Floor
  /**
   * Share of the dense multiply-adds of all prunable weights that may stay, above 0 to 1. Fewer weights are
   * kept than the sparsity says where no more of them fit. Needs scope `global` and granularity `weight`.
   * Default: all.
   */
  flops?: number
  /**
   * `warn` (the default): the result says so; `floor`: the least floor of 1, 2, 4, 8... weights (or doublings
   * of `floor`) in every layer that prevents it; `error`: a UserError, nothing is changed.
   */
  onCollapse?: OnCollapse
}

/** Throws UserError, naming the option, where a value is none that it can have. */
export function checkMaskOptions({
  scope = 'global',
  granularity = 'weight',
  sparsity,
  ...options
}: MaskOptions): void {
  checkSparsity(sparsity)
  findScope(scope)
  if (!isGranularity(granularity))
    throw new UserError(
      `granularity: expected one of ${Object.keys(granularities).join(', ')} with numbers for capitals, found ${granularity}`,
    )
  checkName('onCollapse', options.onCollapse, onCollapseKinds)
  checkFlopShare('flops', options.flops)
  const { multipleOf, channels } = options
  if (multipleOf !== undefined) checkWhole('multipleOf', multipleOf, 1)
  for (const [key, value] of Object.entries({ multipleOf, channels }))
    if (value !== undefined && granularity !== 'channel')
      throw new UserError(`${key}: expected granularity channel, found ${granularity}`)
  if (options.flops !== undefined) checkFlopMasks({ scope, granularity })
  const { floor } = options
  if (floor === undefined) return
  if (typeof floor !== 'object' || floor === null)
    throw new UserError(`floor: expected what parseFloor makes of 16 or 1%, found ${floor}`)
  checkWhole('floor.weights', floor.weights ?? null, 0)
  checkNumber('floor.share', floor.share ?? null, 'a share from 0 to 1', (x) => x >= 0 && x <= 1)
}

function checkFlopMasks({ scope, granularity }: Required<Pick<MaskOptions, 'scope' | 'granularity'>>): void {
  if (findScope(scope) !== scopes.global)
    throw new UserError(`flops: expected scope global, found ${typeof scope === 'string' ? scope : scope.summary}`)
  if (granularity !== 'weight') throw new UserError(`flops: expected granularity weight, found ${granularity}`)
}

/**
 * New statistics of batch normalizations, or of a network without any new scales of outputs: from how many
 * training images, and the mean loss on judging samples before and after.
 */
export interface RefreshedStatistics {
  images: number
  before: number
  after: number
  /** Whether they stayed; otherwise the old ones came back. */
  taken: boolean
  /** Of a network without batch normalizations: how many outputs took a new scale. */
  outputs?: number
}

/** What solving the layers anew did that read channels which are gone. */
export interface Reconstructed {
  /** Training images whose inputs were taken. */
  images: number
  /** How far the outputs of each moved, |W X - V X|^2 / |W X|^2, with old weights and with new ones. */
  layers: { name: string; before: number; after: number }[]
  /** Mean loss, or distance, on judging samples, without and with them. */
  before: number
  after: number
  /** Whether they stayed. */
  taken: boolean
  seconds: number
}

/** What rounds of updates at constant masks did. */
export interface Polished {
  /** Rounds whose update was made. */
  rounds: number
  /** Gradients of single training samples that were taken so far, also in rounds between stages. */
  gradients: number
  /** Weights without any influence that went, so that as many grew elsewhere, over all rounds. */
  respent: number
  /** Loss on the judging samples. */
  before: number
  after: number
  seconds: number
}

export interface PruneResult extends Connectivity {
  /** Share of zeros among prunable weights, counted. */
  sparsity: number
  /** The floor that was needed, where collapse was to be prevented. */
  floor?: string
  /** Of the prunable weights, where a share of them was asked for. */
  multiplyAdds?: MultiplyAdds
  /** Where channels went: what was made of the layers that read them. */
  reconstructed?: Reconstructed
  /** Where batch normalizations took new statistics. */
  statistics?: RefreshedStatistics
  /** Where the weights that are left were updated at last. */
  polished?: Polished
  /** Second order: what each stage came to. */
  stages?: StageReport[]
  /** Layer by layer: how well the outputs of each were kept. */
  reconstructions?: Reconstruction[]
  /**
   * Gradients of the loss of single training samples that were taken, but for those that {@link Polished}
   * counts; a product of a sample's Hessian with a vector counts as one. Absent where none were.
   */
  gradients?: number
  /** Time by phase. */
  seconds?: Record<string, number>
}

/** How well the outputs of a layer were kept. */
export interface Reconstruction {
  name: string
  /**
   * |W X - V X|^2 / |W X|^2 on the images, for old weights W and new ones V; of SNOWS the K-step loss of the
   * new weights as a share of that of the old ones under the mask.
   */
  error: number
  /** Inputs that are zero in all images: their weights were removed, whatever the sparsity asked for. */
  dead: number
  /** Of SNOWS: what the K-step loss came to. */
  horizon?: HorizonReport
}

/** How the K-step reconstruction loss of a layer was minimized. */
export interface HorizonReport {
  /** Activations that were compared: K, or fewer where the logits came before. */
  steps: number
  /** The loss with the weights under the mask as they came, and with those that were found. */
  before: number
  after: number
  newtonSteps: number
}

/** What can be said of a network as it is now, from the nonzeros of its prunable weights. */
export function prunedResult(network: Network): PruneResult {
  const whole = network.prunable.map(({ name }) => [name, network.weights.whole(name)] as const)
  const found = connectivityOf(network.model, new Map(whole))
  const learnable = new Map(network.counts().map((layer) => [layer.name, layer.learnable]))
  const layers = found.layers.map((layer) => ({ ...layer, learnable: learnable.get(layer.name) }))
  return resultOf({ ...found, layers })
}

const resultOf = (found: Connectivity): PruneResult => ({ ...found, sparsity: sparsityOf(found.layers) })

/**
 * Masks of a round whose end is for the next one to see: as {@link masksByScores}, but nothing is said of
 * what they leave.
 */
export function writeRound(network: Network, options: MaskOptions): void {
  const { scope = 'global', granularity = 'weight', sparsity, count = keptCount, floor, flops } = options
  const { multipleOf, channels } = options
  const unit = findGranularity(granularity, network.model)!
  const select = (group: readonly MaskedLayer[], keep: number) => network.selectTop(group, keep)
  const layers = network.layers()
  const multiplyAdds = flops === undefined ? undefined : costBudget(network.model, layers, flops)
  const budget = { scope: findScope(scope), sparsity, count, floor, multiplyAdds, multipleOf, channels, select }
  writeMasks(layers, budget, unit)
}

/**
 * Masks from scores that lie in `network.layers()`. Weights that were removed before stay removed;
 * `network.applyMasks` makes removed ones zero. Throws UserError, and changes nothing, where a score is not
 * finite, where a floor does not fit the sparsity, and where collapse is an error or no floor prevents it.
 */
export function masksByScores(network: Network, options: MaskOptions): PruneResult {
  const { sparsity, onCollapse = 'warn' } = options
  const layers = network.layers()
  const before = layers.map(({ scores, mask }) => ({ scores: scores.slice(), mask: mask.slice() }))
  const restore = () => {
    layers.forEach(({ scores, mask }, i) => {
      scores.set(before[i].scores)
      mask.set(before[i].mask)
    })
  }
  const write = (floor?: Floor) => {
    restore()
    writeRound(network, { ...options, floor })
    return connectivityOf(network.model, new Map(layers.map(({ name, mask }) => [name, mask])))
  }
  let raised: Floor | undefined
  let found: Connectivity
  try {
    found = write(options.floor)
    if (onCollapse === 'error') refuseCollapse(found, sparsity)
    while (onCollapse === 'floor' && isCollapsed(found)) {
      const { weights, share } = raised ?? options.floor ?? { weights: 0, share: 0 }
      raised = { weights: Math.max(1, 2 * weights), share }
      found = write(raised)
    }
  } catch (error) {
    restore()
    throw error
  }
  return {
    ...resultOf(found),
    ...(raised && { floor: floorText(raised) }),
    ...(options.flops !== undefined && { multiplyAdds: multiplyAddsOf(weightCosts(network.model), found.layers) }),
  }
}
