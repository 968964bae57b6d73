/**
 * @file A network on a machine: its parameters, masks and optimizer state in one arena, and the programs that
 * train and evaluate it.
 */
import { type Augmentation, drawAugmentation } from '../data/augment.ts'
import { type Dataset, holdOut, type Indices } from '../data/dataset.ts'
import type { Executable } from '../engine/compile.ts'
import { selectTopCall } from '../engine/kernels/select.ts'
import type { Floats, Machine } from '../engine/machine.ts'
import { DROPOUT_COUNTER } from '../graph/operators/dropout.ts'
import { type Shape, sizeOf, type Tensor } from '../graph/tensor.ts'
import { beginning, type Model } from '../models/model.ts'
import { activeName, FROZEN, IMPORTANCE, STAYED } from '../optim/gsm.ts'
import { momentumName } from '../optim/sgd.ts'
import { countKept, type LayerCount, type MaskedLayer } from '../sparsity/mask.ts'
import { learnableCount, type Tying } from '../sparsity/tied.ts'
import { checkName } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { type Evaluation, evaluate } from './evaluation.ts'
import { choosePrunable, maskName, scoreName, smoothedName } from './graphs.ts'
import { type LayerGain, LayerKernels } from './kernels.ts'
import { checkFits, checkOptions, type NetworkOptions } from './options.ts'
import { denseGradientsName, programsOf, stepName } from './programs.ts'
import { drawTies, tieValues } from './tied.ts'
import { Weights } from './weights.ts'

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
  /**
   * Sum of |g w| over all prunable weights, of |w| once they are frozen, where only some of them are active.
   */
  importance?: number
  /** How many weights are active that were passive at the step before; 0 at the first. */
  reactivated?: number
}

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

  /** Throws UserError where an option has no value that it can have, or the data do not fit. */
  constructor(options: NetworkOptions) {
    checkOptions(options)
    const { machine, model, data, batch = 0, validation = 0, stratify = false, seed = 0, augment } = options
    this.machine = machine
    this.model = model
    this.data = data
    this.batch = batch
    this.active = options.active
    this.augment = augment && (augment.pad > 0 || augment.flip) ? augment : undefined
    this.tying = batch > 0 ? options.tying : undefined
    checkFits(model, data, batch, validation)
    this.indices = holdOut(data.train.count, validation, seed, stratify ? data.train.labels : undefined)

    const { core, further } = programsOf({ ...options, augment: this.augment }, this.indices.train.length)
    const graphs = { ...core, ...further }
    const [first] = Object.values(graphs)
    this.parameters = first.withRole('parameter')
    this.stored = first.stored()
    for (const name of options.prunable ?? [])
      checkName(
        'prunable',
        name,
        this.parameters.map((tensor) => tensor.name),
      )
    this.prunable = choosePrunable(first, options.prunable)
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
    if (batch && this.active !== undefined) for (const { name } of this.prunable) this.activity(name).fill(1)
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

  /**
   * Which weights of a prunable parameter were active at the last step: a live view of zeros and ones, at
   * first of ones. Needs the option `active`.
   */
  activity(parameter: string): Floats {
    return this.executable.view(activeName(parameter))
  }

  /** From here on the largest weights are the active ones. Needs the option `active`. */
  freezeActive(): void {
    this.executable.view(FROZEN)[0] = 1
  }

  /**
   * The dense gradient of a prunable parameter, smoothed over the steps so far: a live view, row-major. Needs
   * the option `smoothing`.
   */
  smoothedGradient(parameter: string): Floats {
    return this.executable.view(smoothedName(parameter))
  }

  /** Prunable layers with their masks, and room for scores. */
  layers(): MaskedLayer[] {
    return this.prunable.map(({ name, shape }) => ({
      name,
      shape,
      mask: this.mask(name),
      scores: this.weights.view(name, scoreName(name)),
    }))
  }

  /** Exact top-k of the layers' scores into their masks, as a kernel. */
  selectTop(layers: readonly MaskedLayer[], keep: number): void {
    const segments = layers.map(({ name, scores }) => ({
      scores: this.executable.offset(scoreName(name)),
      n: scores.length,
      mask: this.executable.offset(maskName(name)),
    }))
    this.executable.execute([selectTopCall(keep, segments)])
  }

  /**
   * Sets masked weights and their momentum to zero. Training steps do so themselves; this is for a changed
   * mask.
   */
  applyMasks(): void {
    this.weights.applyMasks()
  }

  /**
   * Looks up anew which layers run on sparse kernels, for the present masks. Views from before may no longer
   * be live afterwards.
   */
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

  /**
   * Size and nonzero weights of every prunable layer, counted from the weights themselves; a nonzero of a
   * pattern may be zero.
   */
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
   * One optimizer step on the given training samples (as many as a compiled batch). `when` is what random
   * crops, flips and dropout are drawn from.
   */
  step(samples: ArrayLike<number>, when: StepTime = { seed: 0, epoch: 0, step: 0 }): StepResult {
    const program = stepName(samples.length)
    if (!this.executable.runs(program))
      throw new UserError(
        `the network has no training step on ${samples.length} samples: expected a batch of ${this.batch} or what is left at the end of an epoch`,
      )
    this.#runTraining(program, samples, when)
    const value = (output: string) => this.executable.scalar(program, output)
    const result = { loss: value('loss'), correct: value('correct') }
    if (this.active === undefined) return result
    return { ...result, importance: value(IMPORTANCE), reactivated: this.active - value(STAYED) }
  }

  /**
   * The gradients that {@link step} would take of the same samples at the same time, before weight decay, of
   * every prunable tensor: whole and row-major, also at zeros, however the weights are held. Nothing of the
   * network changes. Needs the option `denseGradients`.
   */
  denseGradients(samples: ArrayLike<number>, when: StepTime = { seed: 0, epoch: 0, step: 0 }): Floats[] {
    const program = denseGradientsName(samples.length)
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

  /**
   * Loss and accuracy on the test set or the held-out samples, all of them. Throws UserError where none are
   * held out, and for any other part.
   */
  evaluate(part: 'test' | 'validation'): Evaluation {
    checkName('part', part ?? null, ['test', 'validation'])
    if (part === 'validation') return this.evaluateTraining(this.indices.validation)
    const all = Uint32Array.from({ length: this.data.test.count }, (_, i) => i)
    return evaluate(this.executable, 'test', all, this.model.classes)
  }

  /**
   * Loss and accuracy on some training samples, not augmented: as many as the option `judged` said, or the
   * held-out ones.
   */
  evaluateTraining(samples: Uint32Array): Evaluation {
    return evaluate(this.executable, 'train', samples, this.model.classes)
  }
}
