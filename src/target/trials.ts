import type { Floats } from '../engine/machine.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { type MethodName, methods } from '../methods/index.ts'
import { type SequentialMethod, solvers } from '../methods/layerwise/in-sequence.ts'
import { layerLevels } from '../methods/layerwise/levels.ts'
import { calibrationImages } from '../methods/layerwise/plan.ts'
import type { PruneResult } from '../methods/masks.ts'
import { once, type PruningPlan, type PruningProgress, pruneAsPlanned } from '../methods/method.ts'
import { Reconstructor } from '../methods/reconstruct.ts'
import { Scoring } from '../methods/saliency/scoring/scoring.ts'
import { weightCosts } from '../sparsity/multiply-adds.ts'
import { loadWeights } from '../train/checkpoint.ts'
import { judgesByDistance } from '../train/distance.ts'
import { evaluationBatch } from '../train/evaluation.ts'
import type { Remembered } from '../train/measure-distance.ts'
import { Network } from '../train/network.ts'
import { samplesAtOnce } from '../train/samples-at-once.ts'
import { nextTurn } from '../util/next-turn.ts'
import { random } from '../util/random.ts'
import { type Alone, aloneByLayers, aloneByScores, type Sparsities } from './alone.ts'
import { type Effort, usualEffort } from './effort.ts'
import { planTrial, type TrialOptions, type TrialPlan } from './trial-plan.ts'

/** The mean loss over some samples, or their distance; of labelled ones the share that is told right, too. */
export interface Judged {
  loss: number
  accuracy?: number
}

export interface PruneTrial extends TrialPlan {
  progress?: PruningProgress
}

/** How many times as many samples judge where little has to be told apart. */
const THOROUGHLY = 4

export class Trials {
  /** How much is measured where nobody says it. */
  readonly effort: Effort
  readonly #options: TrialOptions
  readonly #judges: number
  /** The last network, which the next trial takes where it fits. */
  #last?: { key?: string; network: Network }
  /** Of networks that distances judge: what the dense one computes. */
  #remembered?: Remembered
  #reconstructor?: Reconstructor

  constructor(options: TrialOptions) {
    this.#options = options
    const { count } = options.data.train
    const looks = methods[options.method].takes.includes('samples')
    this.effort = usualEffort(options.tensors, weightCosts(options.model), {
      method: looks ? 'bySamples' : 'byWeights',
      work: options.work,
    })
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
    const plan = await planTrial(this.#options, asked, all, { afterwards, channels })
    const network = await this.#network(plan.network)
    const result = pruneAsPlanned(plan, network, once(shareOf(asked, all)), 0, progress)
    return { network, result }
  }

  /**
   * Prunes every tensor alone to each of its sparsities, one after the other, and shows the network each
   * time, as {@link prune} leaves it. It is not to be changed.
   */
  async *alone(tensors: readonly Tensor[], sparsities: Sparsities): AsyncGenerator<Alone> {
    const { method, seed, settings, granularity, masks } = this.#options
    const isBare = !AFTERWARDS.some((key) => key in settings)
    if (isBare && isLayerwise(method)) {
      const plan = await planTrial(this.#options, tensors, none(tensors))
      const network = await this.#network(plan.network)
      const { samples, damp } = plan.settings as { samples: number; damp: number }
      const layers = tensors.map(({ name }) => name)
      yield* aloneByLayers(network, layerLevels(network, method, { layers, samples, damp, seed }), tensors, sparsities)
      return
    }
    const all = this.#options.tensors
    const plan = isBare && !masks ? await planTrial(this.#options, all, none(all)) : undefined
    if (plan?.scores) {
      const network = await this.#network(plan.network)
      yield* aloneByScores(network, plan.scores(network), tensors, sparsities, granularity)
      return
    }
    for (const tensor of tensors)
      for (const sparsity of sparsities.get(tensor.name)!) {
        const { network } = await this.prune([tensor], new Map([[tensor.name, sparsity]]))
        yield { tensor, sparsity, network }
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
    const { tensors } = this.#options
    return this.#network((await planTrial(this.#options, tensors, none(tensors))).network)
  }

  /**
   * The diagonal of the empirical Fisher matrix of the dense network, by tensor: the mean squares of the
   * gradients of as many samples as judge.
   */
  async fisherDiagonal(): Promise<Map<string, Floats>> {
    const { model, tensors, seed, nameOf } = this.#options
    const scoring = new Scoring({
      method: 'fisher-diagonal',
      samples: this.#judges,
      prunable: tensors.map(({ name }) => name),
      atOnce: samplesAtOnce(model),
      nameOf,
    })
    const network = await this.#network({ programs: scoring.programs, prunable: tensors.map(({ name }) => name) })
    const layers = tensors.map(({ name }) => {
      const weights = network.values(name)
      return { name, weights, scores: new Float32Array(weights.length) }
    })
    scoring.score(network, layers, { seed, event: 0, round: 0 })
    return new Map(layers.map(({ name, scores }) => [name, scores]))
  }

  /**
   * What a network does on the samples that judge; `thoroughly`: on four times as many, where there are so
   * many and they come in whole batches, to tell choices apart that differ little. A loss that is not a
   * number counts as infinite.
   */
  judge(network: Network, { thoroughly = false } = {}): Judged {
    const { loss, accuracy } = this.#measured(network, thoroughly)
    return { loss: Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss, ...(accuracy !== undefined && { accuracy }) }
  }

  #measured(network: Network, thoroughly: boolean): Judged {
    if (this.#options.part === 'test') return network.judgedByDistance ? network.distance() : network.evaluate('test')
    const { train } = network.indices
    const order = random(this.#options.seed, 'target judges').permutation(train.length)
    const batch = evaluationBatch(network.model)
    const many = Math.min(THOROUGHLY * this.#judges, train.length - (train.length % batch))
    const isWhole = this.#judges % batch === 0 && many > this.#judges
    const samples = order.slice(0, thoroughly && isWhole ? many : this.#judges).map((place) => train[place])
    if (network.judgedByDistance) return { loss: network.trainingLoss(samples) }
    return network.evaluateTraining(samples)
  }

  /** A network that the plan can prune, with the dense weights. */
  async #network(needs: PruningPlan['network']): Promise<Network> {
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
    if (this.#remembered) {
      network.rememberFrom(this.#remembered)
      return
    }
    loadWeights(network, this.#options.weights, this.#options.source)
    network.remember()
    this.#remembered = network.remembered()
  }
}

/** Methods whose layers can all be pruned alone in one walk through the network. */
const isLayerwise = (name: MethodName): name is 'obc' | SequentialMethod => name === 'obc' || name in solvers

/** No sparsity. */
const none = (tensors: readonly Tensor[]) => new Map(tensors.map(({ name }) => [name, 0]))

/** Whether nothing is to be solved anew. */
const isOff = (settings: { reconstruct?: string }) => settings.reconstruct === 'none'

/** Settings with which a layer is more than what one look at it makes of it. */
const AFTERWARDS = ['stages', 'polish', 'refreshBatchNorm']

/** The share of zeros among the weights of some tensors with sparsities of their own. */
export function shareOf(tensors: readonly Tensor[], sparsities: ReadonlyMap<string, number>): number {
  const sum = (of: (tensor: Tensor) => number) => tensors.reduce((all, tensor) => all + of(tensor), 0)
  return sum((tensor) => sparsities.get(tensor.name)! * sizeOf(tensor.shape)) / sum(({ shape }) => sizeOf(shape))
}
