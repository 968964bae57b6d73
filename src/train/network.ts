/**
 * @file A network on a machine: its parameters, masks and optimizer state in one arena, and the programs that
 * train and evaluate it.
 */
import type { Augmentation } from '../data/augment.ts'
import { holdOut, type Indices, type SampleSet } from '../data/dataset.ts'
import type { Executable } from '../engine/compile.ts'
import { costsOf } from '../engine/costs/index.ts'
import { selectTopCall } from '../engine/kernels/select.ts'
import type { Floats, Machine } from '../engine/machine.ts'
import type { Tensor } from '../graph/tensor.ts'
import { beginning, type Model } from '../models/model.ts'
import { momentumName } from '../optim/sgd.ts'
import type { LayerCount, MaskedLayer } from '../sparsity/mask.ts'
import { checkName } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { type Distance, judgesByDistance } from './distance.ts'
import { type Evaluation, evaluate, meanLoss } from './evaluation.ts'
import { choosePrunable, maskName, scoreName } from './graphs.ts'
import { type LayerGain, LayerKernels } from './kernels.ts'
import { liveLayer } from './live-layer.ts'
import { measureDistance, type Remembered, rememberedBy, rememberTargets, takeRemembered } from './measure-distance.ts'
import { assertMasked, layerCounts } from './nonzeros.ts'
import { checkFits, checkOptions, type NetworkOptions } from './options.ts'
import { denseGradientsName, programsOf, stepName } from './programs.ts'
import type { GradientRule } from './rules.ts'
import { type StepTime, TrainingBatch } from './training-batch.ts'
import { Weights } from './weights.ts'
import { writeData } from './write-samples.ts'

/** What a step returns about its batch. */
export interface StepResult {
  /** The mean cross-entropy, or distance, before the step. */
  loss: number
  /** How many samples were told right; 0 where there are no labels. */
  correct: number
  /** What the network's rules say of the step, by the name of their output. */
  outputs: Record<string, number>
}

export class Network {
  readonly machine: Machine
  readonly model: Model
  readonly data: SampleSet
  /** The trained tensors, in order. */
  readonly parameters: readonly Tensor[]
  /** The tensors that a file of weights holds: parameters, then buffers (running statistics). */
  readonly stored: readonly Tensor[]
  /** The weights that pruning may touch, a subset of the parameters. */
  readonly prunable: readonly Tensor[]
  readonly indices: Indices
  /** The number of samples in a training step; 0 where the network can only be evaluated. */
  readonly batch: number
  readonly augment?: Augmentation
  /** Undefined where the network can only be evaluated. */
  readonly #batch?: TrainingBatch
  readonly rules: readonly GradientRule[]
  /** What training goes on with besides weights: masks, momentum, and states of the rules. */
  readonly states: readonly Tensor[]
  /** Outputs of a step beside loss and hits: what rules say of it. */
  readonly #outputs: readonly string[]
  readonly #seed: number
  readonly weights: Weights
  readonly kernels: LayerKernels

  /** Throws UserError where an option has a value that it cannot have, or the data do not fit. */
  constructor(options: NetworkOptions) {
    checkOptions(options)
    const { machine, model, data, batch = 0, validation = 0, stratify = false, seed = 0, augment } = options
    this.machine = machine
    this.model = model
    this.data = data
    this.batch = batch
    this.#seed = seed
    this.augment = augment && (augment.pad > 0 || augment.flip) ? augment : undefined
    if (batch > 0) this.#batch = new TrainingBatch(data, augment?.resizedCrop ? augment : this.augment)
    this.rules = batch > 0 ? (options.rules ?? []) : []
    checkFits(model, data, batch, validation)
    this.indices = holdOut(data.train.count, validation, seed, stratify ? data.train.labels : undefined)

    const { core, further } = programsOf({ ...options, augment: this.augment }, this.indices.train.length)
    const graphs = { ...core, ...further }
    const [first] = Object.values(graphs)
    this.parameters = first.withRole('parameter')
    this.stored = first.stored()
    this.#outputs = [...first.outputs.keys()].filter((name) => name !== 'loss' && name !== 'correct')
    this.states = first.withRole('state').filter(({ saved }) => saved !== undefined)
    for (const name of options.prunable ?? [])
      checkName(
        'prunable',
        name,
        this.parameters.map((tensor) => tensor.name),
      )
    this.prunable = choosePrunable(first, options.prunable)
    this.weights = new Weights(machine, core, graphs, this.prunable)
    const { kernels: kind = 'dense', costs = costsOf(machine) } = options
    this.kernels = new LayerKernels({ kind, costs, pass: batch > 0 ? 'step' : 'forward' }, core, this.prunable)

    writeData(this.executable, data)
    const begin = beginning(model, options.init, seed)
    for (const tensor of this.stored) this.values(tensor.name).set(begin(tensor))
    if (batch || options.masks) for (const tensor of this.prunable) this.mask(tensor.name).fill(1)
    for (const rule of this.rules) rule.begin?.(this, seed)
  }

  /** The number of steps of one pass over the training samples; the last may take a smaller batch. */
  get stepsPerEpoch(): number {
    return Math.ceil(this.indices.train.length / this.batch)
  }

  /** The compiled programs, which {@link fitKernels} may replace. */
  get executable(): Executable {
    return this.weights.executable
  }

  /**
   * A view of a parameter's values, row-major, good until a program runs; where the weight is held sparse, of
   * its nonzeros.
   */
  values(parameter: string): Floats {
    return this.weights.view(parameter)
  }

  /** A view of a prunable parameter's mask of zeros and ones, as long as {@link values}. */
  mask(parameter: string): Floats {
    return this.weights.view(parameter, maskName(parameter))
  }

  /** A view of a parameter's momentum, as long as {@link values}. */
  momentum(parameter: string): Floats {
    return this.weights.view(parameter, momentumName(parameter))
  }

  /** A state by its name: a row-major view. */
  state(name: string): Floats {
    return this.executable.view(name)
  }

  /** The prunable layers with their masks, and with room for scores: good, too, when programs have run. */
  layers(): MaskedLayer[] {
    return this.prunable.map((tensor) => {
      const { name } = tensor
      const scores = () => this.weights.view(name, scoreName(name))
      return liveLayer(tensor, () => this.executable, { mask: () => this.mask(name), scores })
    })
  }

  /** Writes the exact top-k of the layers' scores into their masks, with a kernel. */
  selectTop(layers: readonly MaskedLayer[], keep: number): void {
    const segments = layers.map(({ name, scores }) => ({
      scores: this.executable.offset(scoreName(name)),
      n: scores.length,
      mask: this.executable.offset(maskName(name)),
    }))
    this.executable.execute([selectTopCall(keep, segments)])
  }

  /**
   * Sets masked weights and their momentum to zero. Training steps do so themselves; this is needed after a
   * mask has changed.
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
   * The size and the number of nonzero weights of every prunable layer, counted from the weights themselves.
   * Where a weight is held sparse, every entry of its pattern counts, even one whose value is zero.
   */
  counts(): LayerCount[] {
    return layerCounts(this.prunable, this.weights, this.rules)
  }

  /**
   * Throws where a masked weight is not exactly zero, since a pruned network must be as sparse as it says.
   */
  assertMasked(): void {
    assertMasked(this.prunable, this.weights)
  }

  /**
   * Takes one optimizer step on the given training samples, as many as a compiled batch has. Random crops,
   * flips and dropout are drawn from `when`; resized crops are those that {@link load} has read. Throws
   * UserError where there is no program for so many samples.
   */
  step(samples: ArrayLike<number>, when: StepTime = { seed: 0, epoch: 0, step: 0 }): StepResult {
    const program = stepName(samples.length)
    if (!this.executable.runs(program))
      throw new UserError(
        `the network has no training step on ${samples.length} samples: expected a batch of ${this.batch} or what is left at the end of an epoch`,
      )
    this.#runTraining(program, samples, when)
    const value = (output: string) => this.executable.scalar(program, output)
    const outputs = Object.fromEntries(this.#outputs.map((name) => [name, value(name)]))
    return { loss: value('loss'), correct: this.judgedByDistance ? 0 : value('correct'), outputs }
  }

  /**
   * The gradients that {@link step} would take of the same samples at the same time, before weight decay, of
   * every prunable tensor: whole and row-major, also at zeros, however the weights are held. Nothing of the
   * network changes. It needs the option `denseGradients`.
   */
  denseGradients(samples: ArrayLike<number>, when: StepTime = { seed: 0, epoch: 0, step: 0 }): Floats[] {
    const program = denseGradientsName(samples.length)
    this.#runTraining(program, samples, when)
    return this.prunable.map(({ name }) => this.executable.read(program, name))
  }

  /**
   * Reads what the step on these samples needs that is not in memory: random resized crops, drawn from
   * `when`. Resolves at once where it needs nothing.
   */
  async load(samples: ArrayLike<number>, when: StepTime): Promise<void> {
    await this.#batch?.load(this.executable, samples, when)
  }

  /** Runs a program over training samples with their crops, flips and dropout. */
  #runTraining(program: string, samples: ArrayLike<number>, when: StepTime): void {
    this.#batch?.write(this.executable, program, samples, when)
    this.executable.run(program)
  }

  /** Whether it is judged by its distance from the dense network: there are no labels, or no classes. */
  get judgedByDistance(): boolean {
    return judgesByDistance(this.model, this.data)
  }

  /** Takes what the network computes now of all samples as what distances are from. */
  remember(): void {
    for (const part of ['train', 'test'] as const)
      rememberTargets(this.executable, this.model, this.data, part, this.#seed)
  }

  /** A copy of what {@link remember} has taken. */
  remembered(): Remembered {
    return rememberedBy(this.executable)
  }

  /** Takes what another network of the same results has remembered of the same data. */
  rememberFrom(remembered: Remembered): void {
    takeRemembered(this.executable, remembered)
  }

  /** How far the network is on the test set from what was remembered. */
  distance(): Distance {
    return measureDistance(this.executable, this.model, 'test', all(this.data.test.count))
  }

  /** The mean loss, or distance, of training samples, as many as {@link evaluateTraining} takes. */
  trainingLoss(samples: Uint32Array): number {
    return meanLoss(this.executable, this.model, 'train', samples)
  }

  /**
   * Measures loss and accuracy on the whole test set, on all held-out samples, or on all samples that are
   * trained on (as they are, without crops and flips; it needs the option `evaluatesTraining`). Throws
   * UserError where none are held out, and for any other part.
   */
  evaluate(part: 'test' | 'validation' | 'train'): Evaluation {
    checkName('part', part ?? null, ['test', 'validation', 'train'])
    if (part === 'validation') return this.evaluateTraining(this.indices.validation)
    if (part === 'train') return this.evaluateTraining(this.indices.train)
    this.#assertLabels()
    return evaluate(this.executable, this.model, 'test', all(this.data.test.count))
  }

  /**
   * Measures loss and accuracy on training samples that are not augmented: as many as the option `judged`
   * said, or the held-out ones.
   */
  evaluateTraining(samples: Uint32Array): Evaluation {
    this.#assertLabels()
    return evaluate(this.executable, this.model, 'train', samples)
  }

  #assertLabels(): void {
    if (this.judgedByDistance)
      throw new Error(`${this.data.name} has no labels of ${this.model.name}: distances are what can be measured`)
  }
}

const all = (count: number) => Uint32Array.from({ length: count }, (_, i) => i)
