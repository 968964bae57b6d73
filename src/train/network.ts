/**
 * @file A network on a machine: its parameters, masks and optimizer state in one arena, and the programs that
 * train and evaluate it, one for each batch size that its data set needs.
 */
import { type Augmentation, drawAugmentation } from '../data/augment.ts'
import { type Dataset, holdOut, type Indices } from '../data/dataset.ts'
import type { Executable } from '../engine/compile.ts'
import { selectTopCall } from '../engine/kernels/select.ts'
import type { Floats, Machine } from '../engine/machine.ts'
import type { Graph } from '../graph/graph.ts'
import { DROPOUT_COUNTER } from '../graph/operators/dropout.ts'
import { type Shape, sizeOf, type Tensor } from '../graph/tensor.ts'
import { beginning, type InitializerName, type Model } from '../models/model.ts'
import { activeName, FROZEN, IMPORTANCE, STAYED } from '../optim/gsm.ts'
import { momentumName } from '../optim/sgd.ts'
import { countKept, type LayerCount, type MaskedLayer } from '../prune/mask.ts'
import { learnableCount, type Tying } from '../prune/tied.ts'
import { UserError } from '../util/errors.ts'
import {
  choosePrunable,
  denseGradientGraph,
  evaluationGraph,
  type ForwardPass,
  forwardPass,
  maskName,
  scoreName,
  smoothedName,
  trainingStep,
} from './graphs.ts'
import { type Kernels, type LayerGain, LayerKernels } from './kernels.ts'
import { drawTies, tieValues } from './tied.ts'
import { Weights } from './weights.ts'

export interface NetworkOptions {
  machine: Machine
  model: Model
  data: Dataset
  /** Samples per training step. Absent: the network can only be evaluated. */
  batch?: number
  /** Training samples that are held out. Default 0. */
  validation?: number
  /** Whether every class gives the same share of its samples to those held out. Default false. */
  stratify?: boolean
  /** Seed of the initial weights and of the validation split. Default 0. */
  seed?: number
  /** Default: the model's own. */
  init?: InitializerName
  /** Random crops and flips of training batches. Default none. */
  augment?: Augmentation
  /** How many training samples {@link Network.evaluateTraining} is given at once. Default 0: it will not be called. */
  judged?: number
  /** Names of the parameters that pruning may touch. Default: the weights of all layers. */
  prunable?: readonly string[]
  /** Which layers run on kernels that skip zeros, once they have some: `auto` looks it up in a table of costs. Default `dense`. */
  kernels?: Kernels
  /** Whether {@link Network.denseGradients} will be called. It takes room for a gradient of every prunable weight. Default false. */
  denseGradients?: boolean
  /** Smooths the dense gradients of prunable weights, zeros included, over the steps: share of the average that stays at a step. It costs one such gradient per step. Default: they are not. */
  smoothing?: number
  /** Coefficient of the group lasso: the penalty sum sqrt(sum w^2 + 1e-12) over the kernels of prunable convolutions, of the weights that are left. Default 0. */
  groupLasso?: number
  /** How prunable weights are tied while they train. Default: not at all. */
  tying?: Tying
  /** How many prunable weights get their gradient at a step, by the method of src/optim/gsm.ts. Default: all. */
  active?: number
  /** Further programs over the same parameters, by name. */
  programs?: Readonly<Record<string, (forward: Forward, model: Model) => Graph>>
}

/** Builds the forward pass over `batch` training samples (input `index`) that are not augmented, by default as the network will be used. */
export type Forward = (batch: number, training?: boolean) => ForwardPass

export interface Evaluation {
  /** Mean cross-entropy. */
  loss: number
  /** Share of samples whose largest logit is at their label, 0 to 1. */
  accuracy: number
  correct: number
  count: number
  /** Present where the logits are the same for every sample: the network has collapsed and can only guess. */
  constant?: true
}

/** A place in a run: the run's seed, the epoch and the step, both from 0. */
export interface StepTime {
  seed: number
  epoch: number
  step: number
}

/** What a step says of its batch. */
export interface StepResult {
  /** Mean cross-entropy, before the step. */
  loss: number
  correct: number
  /** Sum of |g w| over all prunable weights, of |w| once they are frozen, where only some of them are active. */
  importance?: number
  /** How many weights are active that were passive at the step before; 0 at the first. */
  reactivated?: number
}

/** Samples per evaluation run: whole vectors, few enough that the activations of a convolutional network stay near the processor; a divisor of 5,000. */
export const EVALUATION_BATCH = 40

export class Network {
  readonly machine: Machine
  readonly model: Model
  readonly data: Dataset
  /** Trained tensors in order. */
  readonly parameters: readonly Tensor[]
  /** What a file of weights holds: parameters, then buffers (running statistics). */
  readonly stored: readonly Tensor[]
  /** The weights that pruning may touch, a subset of the parameters. */
  readonly prunable: readonly Tensor[]
  readonly indices: Indices
  /** Samples per training step; 0 where the network can only be evaluated. */
  readonly batch: number
  readonly augment?: Augmentation
  readonly tying?: Tying
  /** How many prunable weights get their gradient at a step, where not all do. */
  readonly active?: number
  readonly weights: Weights
  readonly kernels: LayerKernels

  constructor(options: NetworkOptions) {
    const { machine, model, data, batch = 0, validation = 0, stratify = false, seed = 0, augment, judged = 0 } = options
    this.machine = machine
    this.model = model
    this.data = data
    this.batch = batch
    this.active = options.active
    this.augment = augment && (augment.pad > 0 || augment.flip) ? augment : undefined
    this.tying = batch > 0 ? options.tying : undefined
    checkFits(model, data, batch, validation)
    this.indices = holdOut(data.train.count, validation, seed, stratify ? data.train.labels : undefined)

    const graphs: Record<string, Graph> = {}
    const steps = batch ? batchSizes(this.indices.train.length, batch) : []
    const { prunable: chosen, active, smoothing, groupLasso } = options
    const step = { augment: this.augment, chosen, active, tying: this.tying, smoothing, groupLasso }
    for (const size of steps) graphs[`train/${size}`] = trainingStep(model, data, size, step).graph
    for (const size of options.denseGradients ? steps : [])
      graphs[`dense gradients/${size}`] = denseGradientGraph(model, data, size, this.augment, options.prunable)
    for (const size of batchSizes(data.test.count, EVALUATION_BATCH))
      graphs[`evaluate test/${size}`] = evaluationGraph(model, data, 'test', size)
    for (const size of [validation, judged].flatMap((count) => batchSizes(count, EVALUATION_BATCH)))
      graphs[`evaluate train/${size}`] = evaluationGraph(model, data, 'train', size)
    for (const [name, build] of Object.entries(options.programs ?? {}))
      graphs[name] = build((size, training = false) => forwardPass(model, data, 'train', size, training), model)
    const [first] = Object.values(graphs)
    this.parameters = first.withRole('parameter')
    this.stored = first.stored()
    this.prunable = choosePrunable(first, options.prunable)
    // Other programs run while all weights are dense.
    const { programs = {} } = options
    const core = Object.fromEntries(Object.entries(graphs).filter(([name]) => !Object.hasOwn(programs, name)))
    this.weights = new Weights(machine, core, graphs, this.prunable)
    this.kernels = new LayerKernels(options.kernels ?? 'dense', core, this.prunable)

    for (const part of ['train', 'test'] as const) {
      if (!this.executable.has(`${part}.images`)) continue
      this.executable.bytes(`${part}.images`).set(data[part].images)
      this.executable.view(`${part}.labels`).set(data[part].labels)
    }
    const begin = beginning(model, options.init, seed)
    for (const tensor of this.stored) this.values(tensor.name).set(begin(tensor))
    if (batch) for (const tensor of this.prunable) this.mask(tensor.name).fill(1)
    if (batch && active !== undefined) for (const { name } of this.prunable) this.activity(name).fill(1)
    drawTies(this, seed)
    tieValues(this)
  }

  /** Optimizer steps of one pass over the training samples; the last may be on a smaller batch. */
  get stepsPerEpoch(): number {
    return Math.ceil(this.indices.train.length / this.batch)
  }

  /** The compiled programs; others after {@link fitKernels}. */
  get executable(): Executable {
    return this.weights.executable
  }

  /** A parameter's values: a live, row-major view; of a weight that is held sparse, of its nonzeros. */
  values(parameter: string): Floats {
    return this.weights.view(parameter)
  }

  /** A prunable parameter's mask: a live view of zeros and ones, as long as {@link values}. */
  mask(parameter: string): Floats {
    return this.weights.view(parameter, maskName(parameter))
  }

  /** A parameter's momentum: a live view, as long as {@link values}. */
  momentum(parameter: string): Floats {
    return this.weights.view(parameter, momentumName(parameter))
  }

  /** Which weights of a prunable parameter were active at the last step: a live view of zeros and ones, at first of ones. Needs the option `active`. */
  activity(parameter: string): Floats {
    return this.executable.view(activeName(parameter))
  }

  /** From here on the largest weights are the active ones. Needs the option `active`. */
  freezeActive(): void {
    this.executable.view(FROZEN)[0] = 1
  }

  /** The dense gradient of a prunable parameter, smoothed over the steps so far: a live view, row-major. Needs the option `smoothing`. */
  smoothedGradient(parameter: string): Floats {
    return this.executable.view(smoothedName(parameter))
  }

  /** Prunable layers with their masks, and room for scores. */
  layers(): MaskedLayer[] {
    return this.prunable.map(({ name, shape }) => ({
      ...{ name, shape, mask: this.mask(name), scores: this.weights.view(name, scoreName(name)) },
    }))
  }

  /** Exact top-k of the layers' scores into their masks, as a kernel. */
  selectTop(layers: readonly MaskedLayer[], keep: number): void {
    const segments = layers.map(({ name, scores }) => ({
      ...{ scores: this.executable.offset(scoreName(name)), n: scores.length },
      mask: this.executable.offset(maskName(name)),
    }))
    this.executable.execute([selectTopCall(keep, segments)])
  }

  /** Sets masked weights and their momentum to zero. Training steps do so themselves; this is for a changed mask. */
  applyMasks(): void {
    this.weights.applyMasks()
  }

  /** Looks up anew which layers run on sparse kernels, for the present masks. Views from before may no longer be live afterwards. */
  fitKernels(): void {
    if (this.kernels.kind === 'dense') return
    this.weights.hold(this.kernels.choose((name) => this.weights.count(name), this.weights))
  }

  /** Which kernels the prunable layers run on, and what that gains. */
  gains(): LayerGain[] {
    return this.kernels.gains((name) => this.weights.count(name))
  }

  /** Holds all weights dense, whatever the kernels: views are row-major again. */
  densify(): void {
    this.weights.hold(new Map())
  }

  /** Size and nonzero weights of every prunable layer, counted from the weights themselves; a nonzero of a pattern may be zero. */
  counts(): LayerCount[] {
    return this.prunable.map(({ name, shape }) => {
      let kept = 0
      for (const weight of this.values(name)) if (weight !== 0 || this.weights.isSparse(name)) kept++
      return { name, size: sizeOf(shape), kept, ...this.#learnable(shape) }
    })
  }

  #learnable(shape: Shape): { learnable?: number } {
    return this.tying ? { learnable: learnableCount(shape, this.tying) } : {}
  }

  /** Throws where a masked weight is not exactly zero: a pruned network must be as sparse as it says. */
  assertMasked(): void {
    for (const { name } of this.prunable) {
      if (this.weights.isSparse(name)) continue // there is no place where such a weight could be
      const mask = this.mask(name)
      countKept(mask)
      const revived = this.values(name).findIndex((w, i) => w !== 0 && mask[i] === 0)
      if (revived >= 0)
        throw new Error(`the pruned weight ${name}[${revived}] is ${this.values(name)[revived]}, expected 0`)
    }
  }

  /**
   * One optimizer step on the given training samples (as many as a compiled batch). `when` is what random crops, flips and dropout are drawn from.
   */
  step(samples: ArrayLike<number>, when: StepTime = { seed: 0, epoch: 0, step: 0 }): StepResult {
    const program = `train/${samples.length}`
    this.#runTraining(program, samples, when)
    const value = (output: string) => this.executable.scalar(program, output)
    const result = { loss: value('loss'), correct: value('correct') }
    if (this.active === undefined) return result
    return { ...result, importance: value(IMPORTANCE), reactivated: this.active - value(STAYED) }
  }

  /**
   * The gradients that {@link step} would take of the same samples at the same time, before weight decay, of every prunable tensor: whole and row-major, also at
   * zeros, however the weights are held. Nothing of the network changes. Needs the option `denseGradients`.
   */
  denseGradients(samples: ArrayLike<number>, when: StepTime = { seed: 0, epoch: 0, step: 0 }): Floats[] {
    const program = `dense gradients/${samples.length}`
    this.#runTraining(program, samples, when)
    return this.prunable.map(({ name }) => this.executable.read(program, name))
  }

  /** Runs a program over training samples with their crops, flips and dropout. */
  #runTraining(program: string, samples: ArrayLike<number>, when: StepTime): void {
    this.executable.write(program, 'index', samples)
    if (this.augment)
      this.executable.write(program, 'change', drawAugmentation(this.augment, when.seed, when.epoch, samples))
    if (this.executable.has(DROPOUT_COUNTER)) this.executable.view(DROPOUT_COUNTER)[0] = when.step
    this.executable.run(program)
  }

  /** Loss and accuracy on the test set or the held-out samples, all of them. */
  evaluate(part: 'test' | 'validation'): Evaluation {
    if (part === 'validation') return this.evaluateTraining(this.indices.validation)
    return this.#evaluate(
      'test',
      Uint32Array.from({ length: this.data.test.count }, (_, i) => i),
    )
  }

  /** Loss and accuracy on some training samples, not augmented: as many as the option `judged` said, or the held-out ones. */
  evaluateTraining(samples: Uint32Array): Evaluation {
    return this.#evaluate('train', samples)
  }

  #evaluate(source: 'train' | 'test', samples: Uint32Array): Evaluation {
    if (samples.length === 0) throw new Error('no samples are held out for validation')
    let loss = 0
    let correct = 0
    const first = new Float64Array(this.model.classes)
    let varies = false
    for (let at = 0; at < samples.length; at += EVALUATION_BATCH) {
      const batch = samples.subarray(at, at + EVALUATION_BATCH)
      const program = `evaluate ${source}/${batch.length}`
      this.executable.write(program, 'index', batch)
      this.executable.run(program)
      loss += this.executable.scalar(program, 'loss') * batch.length
      correct += this.executable.scalar(program, 'correct')
      if (varies) continue
      // [classes][samples], as tensors over samples lie.
      const logits = this.executable.raw(program, 'logits')
      if (at === 0) for (let c = 0; c < first.length; c++) first[c] = logits[c * batch.length]
      varies = logits.some((logit, i) => logit !== first[Math.floor(i / batch.length)])
    }
    const constant = !varies && samples.length > 1
    return {
      ...{ loss: loss / samples.length, accuracy: correct / samples.length, correct, count: samples.length },
      ...(constant && { constant }),
    }
  }
}

/** Throws UserError where a model cannot be trained (or, batch 0, evaluated) on that data. */
export function checkFits(model: Model, data: Dataset, batch: number, validation: number): void {
  if (String(model.image) !== String(data.image))
    throw new UserError(
      `${model.name} takes images of ${model.image.join(' x ')}, ${data.name} has ${data.image.join(' x ')}`,
    )
  if (model.classes !== data.classes)
    throw new UserError(`${model.name} tells ${model.classes} classes apart, ${data.name} has ${data.classes}`)
  const left = data.train.count - validation
  if (batch === 0) return
  if (left < 1)
    throw new UserError(`validation: ${validation} of the ${data.train.count} training samples leave none to train on`)
  if (batch > left) throw new UserError(`batch: ${batch} is more than the ${left} training samples of ${data.name}`)
}

/** The sizes of the batches that `count` samples are cut into: full ones and the rest. */
function batchSizes(count: number, batch: number): number[] {
  return [...new Set([Math.min(count, batch), count % batch])].filter((size) => size > 0)
}
