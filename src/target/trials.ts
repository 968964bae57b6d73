/**
 * @file A trained network pruned again and again from the same weights, each time some tensors to sparsities
 * of their own, and judged: what a layer at a level really does to the loss.
 */
import type { SampleSet } from '../data/dataset.ts'
import type { Machine } from '../engine/machine.ts'
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { type MethodName, methods } from '../methods/index.ts'
import { type SequentialMethod, solvers } from '../methods/layerwise/in-sequence.ts'
import { layerLevels } from '../methods/layerwise/levels.ts'
import { calibrationImages } from '../methods/layerwise/plan.ts'
import type { PruneResult } from '../methods/masks.ts'
import {
  checkSettings,
  leftOf,
  type NameOf,
  once,
  type PruningPlan,
  type PruningProgress,
  type PruningRequest,
  pruneAsPlanned,
  withSettings,
} from '../methods/method.ts'
import { Reconstructor } from '../methods/reconstruct.ts'
import type { Model } from '../models/model.ts'
import { weightCosts } from '../sparsity/multiply-adds.ts'
import { loadWeights } from '../train/checkpoint.ts'
import { judgesByDistance } from '../train/distance.ts'
import { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { nextTurn } from '../util/next-turn.ts'
import { random } from '../util/random.ts'
import { type Effort, usualEffort } from './effort.ts'

export interface TrialOptions {
  machine: Machine
  model: Model
  data: SampleSet
  /** The trained weights; `source` is what messages call them. */
  weights: TensorFile
  source: string
  /** The tensors of which some are pruned at a time. */
  tensors: readonly Tensor[]
  method: MethodName
  /** Settings of the method, as its section in recipes has them. */
  settings: object
  /** What is kept or removed together. Default: single weights. */
  granularity?: string
  /** Seed of all random draws. */
  seed: number
  /** Training samples that judge, drawn by the seed. Default: {@link usualEffort}, at most all. */
  judges?: number
  /** Multiply-adds that judging levels may take, about. Default: minutes on two processors. */
  work?: number
  /** Whether they judge, or the whole test set in their place. Default `train`. */
  part?: 'train' | 'test'
  /** Whether nothing is done to all weights afterwards, whatever a trial asks for. Default false. */
  bare?: boolean
  /** What goes together, where that is not single weights; then all tensors of a trial have one sparsity. */
  masks?: PruningRequest['masks']
  /** Training samples that are held out, and how, as of a {@link Network}. Default: none. */
  validation?: number
  stratify?: boolean
  nameOf?: NameOf
}

/** The mean loss over some samples, or their distance; of labelled ones the share that is told right, too. */
export interface Judged {
  loss: number
  accuracy?: number
}

export interface PruneTrial {
  /** Whether what is done to all weights afterwards is done, too. Default false. */
  afterwards?: boolean
  /** Channels that stay of some groups, by name. Default: all. */
  channels?: ReadonlyMap<string, number>
  progress?: PruningProgress
}

/** A tensor that alone was pruned, to a sparsity. */
export interface Alone {
  tensor: Tensor
  sparsity: number
  network: Network
}

export class Trials {
  /** How much is measured where nobody says it. */
  readonly effort: Effort
  readonly #options: TrialOptions
  readonly #judges: number
  /** The last network, which the next trial takes where it fits. */
  #last?: { key?: string; network: Network }
  /** Of networks that distances judge: one that remembers what the dense network computes. */
  #remembering?: Network
  #reconstructor?: Reconstructor

  constructor(options: TrialOptions) {
    this.#options = options
    const { count } = options.data.train
    this.effort = usualEffort(options.tensors, weightCosts(options.model), options.work)
    this.#judges = Math.min(options.judges ?? this.effort.judges, count - (options.validation ?? 0))
  }

  /** Of all random draws. */
  get seed(): number {
    return this.#options.seed
  }

  /** Training samples that judge. */
  get judges(): number {
    return this.#judges
  }

  /**
   * The network with exactly these tensors pruned, as espalier prune does it, and what became of it. What is
   * done to all weights afterwards, new statistics and updates at constant masks, is `afterwards`; without it
   * they are left out, where the settings do not ask for them, so that a layer's own share is seen. The
   * network is that of the next trial, too.
   */
  async prune(
    tensors: readonly Tensor[],
    sparsities: ReadonlyMap<string, number>,
    { afterwards = false, channels, progress }: PruneTrial = {},
  ): Promise<{ network: Network; result: PruneResult }> {
    // Methods that rank weights can leave the others alone, so that one network serves all trials.
    const ranked = methods[this.#options.method].ranked
    const asked = ranked && !this.#options.masks ? this.#options.tensors : tensors
    const all = new Map(asked.map(({ name }) => [name, sparsities.get(name) ?? 0]))
    const plan = await this.#plan(asked, all, { afterwards, channels })
    const network = await this.#network(plan)
    const result = pruneAsPlanned(plan, network, once(shareOf(asked, all)), 0, progress)
    return { network, result }
  }

  /**
   * Prunes every tensor alone to each of its sparsities, one after the other, and shows the network each
   * time, as {@link prune} leaves it. It is not to be changed.
   */
  async *alone(tensors: readonly Tensor[], sparsities: ReadonlyMap<string, readonly number[]>): AsyncGenerator<Alone> {
    const { method, seed, settings } = this.#options
    if (!isLayerwise(method) || AFTERWARDS.some((key) => key in settings)) {
      for (const tensor of tensors)
        for (const sparsity of sparsities.get(tensor.name)!) {
          const { network } = await this.prune([tensor], new Map([[tensor.name, sparsity]]))
          yield { tensor, sparsity, network }
        }
      return
    }
    const plan = await this.#plan(tensors, new Map(tensors.map(({ name }) => [name, 0])))
    const network = await this.#network(plan)
    const { samples, damp } = plan.settings as { samples: number; damp: number }
    const layers = tensors.map(({ name }) => name)
    for (const { name, at } of layerLevels(network, method, { layers, samples, damp, seed })) {
      const tensor = tensors.find((one) => one.name === name)!
      const dense = network.values(name).slice()
      for (const sparsity of sparsities.get(name)!) {
        network.values(name).set(at(sparsity))
        yield { tensor, sparsity, network }
      }
      network.values(name).set(dense)
    }
  }

  /**
   * The network with so many channels left in some groups, by name (granularity/channel-spaces.ts); what
   * reads those that go is solved anew, on inputs of the dense network.
   */
  async pruneChannels(channels: ReadonlyMap<string, number>): Promise<Network> {
    const { tensors, seed, data } = this.#options
    const images = calibrationImages(undefined, {
      model: this.#options.model,
      data: { name: data.name, samples: data.train.count },
      nameOf: (key) => key,
    })
    this.#reconstructor ??= new Reconstructor(await this.dense(), { images, seed })
    const { network } = await this.prune(tensors, new Map(), { channels })
    if (!isOff(this.#options.settings)) this.#reconstructor.solve(network)
    return network
  }

  /** The network as it was before. */
  async dense(): Promise<Network> {
    const none = new Map(this.#options.tensors.map(({ name }) => [name, 0]))
    return this.#network(await this.#plan(this.#options.tensors, none))
  }

  /** What a network does on the samples that judge. A loss that is not a number counts as infinite. */
  judge(network: Network): Judged {
    const { loss, accuracy } = this.#measured(network)
    return { loss: Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss, ...(accuracy !== undefined && { accuracy }) }
  }

  #measured(network: Network): Judged {
    if (this.#options.part === 'test') return network.judgedByDistance ? network.distance() : network.evaluate('test')
    const { train } = network.indices
    const order = random(this.#options.seed, 'target judges').permutation(train.length)
    const samples = order.slice(0, this.#judges).map((place) => train[place])
    if (network.judgedByDistance) return { loss: network.trainingLoss(samples) }
    return network.evaluateTraining(samples)
  }

  #plan(
    tensors: readonly Tensor[],
    sparsities: ReadonlyMap<string, number>,
    { afterwards = false, channels }: Omit<PruneTrial, 'progress'> = {},
  ) {
    const { model, data, method: name, seed, masks, nameOf = (setting) => setting } = this.#options
    const granularity = channels ? 'channel' : (masks?.granularity ?? this.#options.granularity)
    const quiet =
      afterwards && !this.#options.bare
        ? {}
        : {
            ...pick(name, 'polish', 0),
            ...pick(name, 'refreshBatchNorm', 'none'),
            ...(granularity === 'channel' && pick(name, 'reconstruct', 'none')),
          }
    const { reconstruct: _, ...own } = this.#options.settings as { reconstruct?: string }
    const settings = { ...quiet, ...(granularity === 'channel' ? this.#options.settings : own) }
    const method = withSettings(methods[name], settings)
    if (tensors.length > 1 && !masks && !method.sparsities)
      throw new UserError(`${name} knows one sparsity for all tensors only, expected a method that knows one for each`)
    checkSettings(name, method, settings, nameOf)
    return method.plan(settings, {
      model,
      data: { name: data.name, samples: data.train.count },
      tensors,
      left: tensors.reduce((sum, tensor) => sum + leftOf([tensor], sparsities.get(tensor.name)!), 0),
      // A tensor alone is pruned by methods that know one ranking only, too.
      scope: method.scopes.includes('layerwise') && !masks ? 'layerwise' : 'global',
      ...(!masks && (tensors.length > 1 || channels) && { sparsities }),
      ...(granularity !== undefined && { masks: masks ?? { granularity, channels } }),
      seed,
      nameOf,
    })
  }

  /** A network that the plan can prune, with the dense weights. */
  async #network({ network: needs }: PruningPlan): Promise<Network> {
    const { machine, model, data, seed, weights, source, validation, stratify } = this.#options
    const byDistance = judgesByDistance(model, data)
    // Programs belong to the plan that made them.
    const key = Object.keys(needs.programs ?? {}).length > 0 ? undefined : JSON.stringify(needs)
    if (key === undefined || this.#last?.key !== key) {
      this.#last = undefined
      // Memory of networks that are no longer used comes back between two turns.
      await nextTurn()
      const network = new Network({
        machine,
        model,
        data,
        seed,
        ...(validation && { validation, stratify }),
        ...(byDistance ? { masks: true } : { batch: 1 }),
        ...needs,
        judgedToo: this.#judges,
      })
      this.#last = { key, network }
      if (byDistance) this.#remember(network)
    }
    const { network } = this.#last
    loadWeights(network, weights, source)
    for (const { name } of network.prunable) network.mask(name).fill(1)
    return network
  }

  /** Gives a network what the dense one computes of all samples. */
  #remember(network: Network): void {
    if (this.#remembering) {
      network.rememberFrom(this.#remembering)
      return
    }
    loadWeights(network, this.#options.weights, this.#options.source)
    network.remember()
    this.#remembering = network
  }
}

/** Methods whose layers can all be pruned alone in one walk through the network. */
const isLayerwise = (name: MethodName): name is 'obc' | SequentialMethod => name === 'obc' || name in solvers

/** Whether nothing is to be solved anew. */
const isOff = (settings: { reconstruct?: string }) => settings.reconstruct === 'none'

/** Settings with which a layer is more than what one look at it makes of it. */
const AFTERWARDS = ['stages', 'polish', 'refreshBatchNorm']

/** A setting, where the method has it. */
const pick = (name: MethodName, key: string, value: unknown) =>
  methods[name].takes.includes(key) ? { [key]: value } : {}

/** The share of zeros among the weights of some tensors with sparsities of their own. */
export function shareOf(tensors: readonly Tensor[], sparsities: ReadonlyMap<string, number>): number {
  const sum = (of: (tensor: Tensor) => number) => tensors.reduce((all, tensor) => all + of(tensor), 0)
  return sum((tensor) => sparsities.get(tensor.name)! * sizeOf(tensor.shape)) / sum(({ shape }) => sizeOf(shape))
}
