/**
 * @file Updates of a pruned network's weights at constant masks, after any method: w <- w - s (lambda I +
 * F)^-1 g, the descent step of the systematic update (update.ts) with the mean gradient g and the empirical
 * Fisher F of new training samples at every round. The damping lambda and the share s are those of the lowest
 * loss on samples that give no gradients, and the rounds end where that falls no more. It is K-step
 * reconstruction by the natural gradient: a little training, whose cost is counted in sample gradients.
 */

import { sizeOf } from '../../graph/tensor.ts'
import { Workspace } from '../../linear/workspace.ts'
import { countKept } from '../../sparsity/mask.ts'
import { isLinear } from '../../sparsity/tensors.ts'
import type { Network } from '../../train/network.ts'
import { lacksSampleGradients } from '../../train/sample-gradients.ts'
import { UserError } from '../../util/errors.ts'
import { random } from '../../util/random.ts'
import type { Polished } from '../masks.ts'
import type { PruningPlan, PruningProgress, PruningRequest } from '../method.ts'
import { judgingPlaces } from '../samples.ts'
import { moved } from './candidates.ts'
import { FisherColumns } from './fisher/fisher-columns.ts'
import { planGradients } from './fisher/gradient-plan.ts'
import { GradientSource } from './fisher/gradients.ts'
import { FIRST_LOOK, Judge } from './judge.ts'
import { respend } from './respend.ts'
import { Clock } from './stage.ts'
import { updatedMasks } from './updates.ts'

/**
 * Rounds where no number is asked for: those of convolutional networks take longer and gain less, and there
 * are none of networks that join samples.
 */
export const usualPolish = (model: PruningRequest['model']): number =>
  lacksSampleGradients(model) ? 0 : isLinear(model) ? 30 : 5

/** The share by which a round should lower the loss. */
const LEAST_GAIN = 1e-3

/** So many rounds in a row whose update does not lower the loss are the last. */
const PATIENCE = 2

/**
 * Shares of the descent step that are tried; dampings: this at first, then the last one, and their
 * neighbours.
 */
const SHARES = [0, 0.03, 0.1, 0.3, 1]
const DAMPING = 1e-2

/**
 * Gradients of a round, where there are as many and they fit into memory: few make it fit its samples. A
 * round solves systems of the order of the weights that are left, or of the gradients where these are fewer.
 */
const GRADIENTS = { small: 10_000, large: 2000, convolutional: 1000 }
const SMALL = 4000
const FEWEST = 100
const MEMORY = 2 * 2 ** 30

/** What all rounds have in common. */
interface Round {
  space: Workspace
  judge: Judge
  /** One per tensor; they change where weights are spent again. */
  masks: Float32Array[]
  /** Training samples, and the places of those that do not judge. */
  training: Uint32Array
  others: Uint32Array
}

/** What a round has made. */
interface Made {
  loss: number
  masks: Float32Array[]
  /** Weights that were spent again. */
  respent: number
}

/** Polishes a network that was made with its programs. */
export class Polisher {
  readonly #source: GradientSource
  readonly #fisher: 'full' | 'layer'
  readonly #request: PruningRequest
  readonly #judging: () => Uint32Array
  /** Rounds so far: each takes the next samples. */
  #taken = 0
  /** Of all rounds, once it was needed. */
  #space?: Workspace
  /** The weights that it has room for systems of. */
  #left = 0
  /** Of the last update. */
  #damping = DAMPING

  /**
   * `judging`: the places, among the training samples, of those whose loss decides. Default: drawn by the
   * seed. Throws UserError where the gradients do not fit into memory.
   */
  constructor(request: PruningRequest, judging?: () => Uint32Array) {
    const { model, tensors, data, seed, left, nameOf } = request
    const linear = isLinear(model)
    this.#request = request
    this.#fisher = linear ? 'full' : 'layer'
    this.#judging = judging ?? (() => judgingPlaces(data.samples, seed))
    const weights = left ?? tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    const size = linear ? (weights <= SMALL ? 'small' : 'large') : 'convolutional'
    const most = Math.max(1, Math.min(GRADIENTS[size], Math.floor(data.samples / 2)))
    const names = tensors.map(({ name }) => name)
    const sourceOf = (samples: number): GradientSource => {
      const needs = {
        samples,
        miniBatch: 1,
        method: 'polish',
        walk: 'blocks',
        fisher: this.#fisher,
        left,
        memory: MEMORY,
      } as const
      try {
        const plan = planGradients(model, tensors, needs, nameOf('polish'))
        return new GradientSource({ tensors: names, samples, program: 'polish', descends: true, ...plan })
      } catch (error) {
        if (!(error instanceof UserError) || samples < 2 * FEWEST) throw error
        return sourceOf(Math.floor(samples / 2))
      }
    }
    this.#source = sourceOf(most)
  }

  /** Options that the network needs beside those of the plan. */
  network(own: PruningPlan['network']): PruningPlan['network'] {
    const judged = own.judged ?? this.#judging().length
    return { ...own, programs: { ...own.programs, ...this.#source.programs }, judged, kernels: 'dense' }
  }

  /**
   * At most so many rounds. The network's masks stay as they are but for weights that are spent again, with
   * zeros under them. With few samples weights may seem to do nothing that others need: where the loss is
   * higher in the end, the network is as before, and no round counts.
   */
  run(network: Network, rounds: number, progress: PruningProgress = () => {}): Polished {
    const began = performance.now()
    const training = network.indices.train
    const judging = this.#judging()
    const { tensors } = this.#source
    const samples = judging.map((place) => training[place])
    const judge = new Judge(network, tensors, samples, this.#fisher === 'full' ? undefined : FIRST_LOOK)
    const others = placesBeside(judging, training.length, this.#request.seed)
    let masks: Float32Array[] = tensors.map((name) => Float32Array.from(network.mask(name)))
    const space = this.#spaceFor(network, masks)
    const start = { weights: weightsOf(network, tensors), masks }
    const before = judge.loss(start.weights, masks)
    const common = { space, judge, others, training }
    let [after, done, idle, respent] = [before, 0, 0, 0]
    for (let round = 1; round <= rounds; round++) {
      const text = `round ${round} of at most ${rounds}, loss ${after.toFixed(4)}`
      progress('polish', text, (round - 1) / rounds)
      const made = space.scoped(() => this.#round(network, { ...common, masks }))
      idle = made === undefined || 1 - made.loss / after < LEAST_GAIN ? idle + 1 : 0
      if (made) {
        done++
        after = made.loss
        respent += made.respent
        masks = made.masks
      }
      if (idle === PATIENCE) break
    }
    if (after > before) {
      tensors.forEach((name, t) => {
        network.mask(name).set(start.masks[t])
        network.values(name).set(start.weights[t])
      })
      ;[after, done, respent] = [before, 0, 0]
    }
    network.applyMasks()
    progress('polish', `loss ${before.toFixed(4)} to ${after.toFixed(4)}`, 1)
    const gradients = this.#taken * this.#source.count
    return { rounds: done, gradients, respent, before, after, seconds: (performance.now() - began) / 1000 }
  }

  /** Room for systems of the weights that are left: later rounds have no more, as long as pruning goes on. */
  #spaceFor(network: Network, masks: readonly Float32Array[]): Workspace {
    const left = masks.reduce((sum, mask) => sum + countKept(mask), 0)
    if (!this.#space || left > this.#left) {
      this.#space = new Workspace(network.machine, this.#source.room(network, left))
      this.#left = left
    }
    return this.#space
  }

  /** One update, where the loss falls by it. The first samples choose, all of them decide. */
  #round(network: Network, { space, judge, masks, others, training }: Round): Made | undefined {
    const { tensors, count } = this.#source
    const weights = weightsOf(network, tensors)
    const first = this.#taken++ * count
    const indices = Uint32Array.from({ length: count }, (_, i) => training[others[(first + i) % others.length]])
    const sizes = weights.map(({ length }) => length)
    const columns = new FisherColumns(this.#source, sizes, space, this.#fisher, (group) =>
      this.#source.collect(network, indices, undefined, group, space),
    )
    const settings = {
      fisher: this.#fisher,
      faithful: false,
      lambda: undefined,
      scale: 0,
      firstOrder: SHARES,
      onProgress: () => {},
    } as const
    const dampings = [0.1, 1, 10].map((times) => times * this.#damping)
    const stage = { weights, columns, space, judge, settings, clock: new Clock() }
    const spent = this.#respend(columns, masks)
    const kept = spent?.masks ?? masks
    const { update, step, selected } = updatedMasks(stage, kept, { dampings })
    if (!update || !(step.loss < selected)) return undefined
    this.#damping = update.damping!
    moved(weights, update, step).forEach((values, t) => {
      network.values(tensors[t]).set(values)
      network.mask(tensors[t]).set(kept[t])
    })
    network.applyMasks()
    return { loss: step.loss, masks: kept, respent: spent?.moved ?? 0 }
  }

  /** Not where granularities say which weights go together; within tensors that have counts of their own. */
  #respend(columns: FisherColumns, masks: Float32Array[]) {
    const { scope, sparsities, masks: { granularity = 'weight', floor } = {} } = this.#request
    if (granularity !== 'weight') return undefined
    const within = scope !== 'global' || sparsities !== undefined || floor !== undefined
    return respend(columns, masks, { damping: this.#damping, within })
  }
}

/**
 * The plan, after which the network is polished for at most `rounds`; undefined: for `usual` ones, and not at
 * all where the gradients do not fit into memory. Throws UserError where they do not and rounds are asked
 * for.
 */
export function withPolish(
  plan: PruningPlan,
  rounds: number | undefined,
  request: PruningRequest,
  { usual = 0, judging }: { usual?: number; judging?: () => Uint32Array } = {},
): PruningPlan {
  const most = rounds ?? usual
  const polisher = most > 0 ? polisherFor(request, rounds, judging) : undefined
  return polisher ? polishedPlan(plan, polisher, most) : plan
}

/**
 * Undefined where the gradients do not fit into memory and no number of rounds is asked for. Throws
 * UserError.
 */
export function polisherFor(
  request: PruningRequest,
  rounds: number | undefined,
  judging?: () => Uint32Array,
): Polisher | undefined {
  try {
    return new Polisher(request, judging)
  } catch (error) {
    if (rounds === undefined && error instanceof UserError) return undefined
    throw error
  }
}

/** The plan, after which the network is polished for at most so many rounds. */
export function polishedPlan(plan: PruningPlan, polisher: Polisher, most: number): PruningPlan {
  return {
    ...plan,
    settings: { ...plan.settings, polish: most },
    network: polisher.network(plan.network),
    polish: (network, progress) => polisher.run(network, most, progress),
  }
}

const weightsOf = (network: Network, tensors: readonly string[]) =>
  tensors.map((name) => Float32Array.from(network.values(name)))

/** All places but some, in random order; where none are left, all. */
function placesBeside(some: Uint32Array, count: number, seed: number): Uint32Array {
  const taken = new Set(some)
  const all = random(seed, 'polish samples').permutation(count)
  const left = all.filter((place) => !taken.has(place))
  return left.length > 0 ? left : all
}
