/**
 * @file Runs a recipe: train, prune on the way, evaluate, and leave a folder from which every number can be traced and an
 * interrupted run resumed, bit for bit.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { findAugmentation } from '../data/augment.ts'
import type { Dataset } from '../data/dataset.ts'
import { loadDataset } from '../data/index.ts'
import type { DataProgress } from '../data/progress.ts'
import { type Machine, openMachine } from '../engine/machine.ts'
import { readSafetensors, type TensorFile, writeSafetensors } from '../formats/safetensors.ts'
import { packSparse, unpackSparse } from '../formats/sparse.ts'
import { findModel } from '../models/index.ts'
import type { Model } from '../models/model.ts'
import type { RateSchedule } from '../optim/schedule.ts'
import { type LayerCount, sparsityOf } from '../prune/mask.ts'
import type { PruningSchedule } from '../prune/schedule.ts'
import { checkpointOf, loadCheckpoint, loadWeights, weightsOf } from '../train/checkpoint.ts'
import type { LayerGain } from '../train/kernels.ts'
import { type Evaluation, Network } from '../train/network.ts'
import { type EpochResult, type EpochSums, type Hook, train } from '../train/train.ts'
import { UserError } from '../util/errors.ts'
import { writeAtomically } from '../util/files.ts'
import { gradualPruning } from '../workflow/prune.ts'
import { toSteps } from './duration.ts'
import { describeEnvironment, type Environment } from './environment.ts'
import { RunFolder } from './folder.ts'
import { isSecondOrder, type Recipe, recipeToYaml } from './recipe.ts'
import { reportMarkdown } from './report.ts'
import { type SecondOrderPlan, secondOrderPlan } from './second-order.ts'

/** What a run says while it goes on. */
export type RunEvent =
  | {
      type: 'start'
      folder: string
      engine: string
      layers: LayerCount[]
      epochs: number
      steps: number
      resumedAt?: number
    }
  | ({ type: 'progress'; sparsity: number } & Progress)
  | ({ type: 'epoch'; sparsity: number; validationLoss?: number; validationAccuracy?: number } & EpochResult)
  | { type: 'prune'; step: number; target: number; sparsity: number; collapsed: string[] }
  | { type: 'notice'; text: string }
  | { type: 'end'; folder: string; result: RunResult }

export interface Progress {
  step: number
  steps: number
  epoch: number
  epochs: number
  /** Means over the epoch so far. */
  loss: number
  accuracy: number
  samplesPerSecond: number
  secondsLeft: number
}

export interface RunResult {
  layers: LayerCount[]
  /** Which kernels the layers ran on at the end. */
  kernels: LayerGain[]
  /** Counted from the final weights, among prunable ones. */
  sparsity: number
  /** On the test set, just before the first pruning event. */
  dense?: Evaluation
  /** On the test set, at the end. */
  final: Evaluation
  /** Bytes of dense.safetensors (or what it would be) and of model.safetensors. */
  denseBytes: number
  modelBytes: number
  /** Of training, without evaluation, over all sessions of the run. */
  seconds: number
}

export interface RunOptions {
  /** Default: a new folder under runs/. */
  out?: string
  resume?: boolean
  force?: boolean
  /** Seconds between checkpoints. Default 10. */
  checkpointSeconds?: number
  machine?: Machine
  signal?: AbortSignal
  onEvent?(event: RunEvent): void
  /** While images are being decoded. */
  onData?(progress: DataProgress): void
}

/** How a run ended. `interrupted`: by its signal, with a checkpoint to resume from. */
export interface RunOutcome {
  folder: string
  interrupted: boolean
  result?: RunResult
}

/** What a checkpoint says of the run besides tensors: JSON in its metadata. */
const progressSchema = z.object({
  step: z.int().min(0),
  sums: z.object({ loss: z.number(), correct: z.number(), samples: z.number() }),
  metricsBytes: z.int().min(0),
  seconds: z.number(),
})
type Progressed = z.output<typeof progressSchema>

function progressOf({ metadata }: TensorFile, path: string): Progressed {
  try {
    return progressSchema.parse(JSON.parse(metadata.progress))
  } catch {
    throw new UserError(`${path} is not the checkpoint of a run: its metadata has no valid progress`)
  }
}

export async function runRecipe(recipe: Recipe, options: RunOptions = {}): Promise<RunOutcome> {
  const { name: dataName, normalization, size, crop, skipCorrupt } = recipe.data
  const data = await loadDataset(dataName, { normalization, size, crop, skipCorrupt, onProgress: options.onData })
  const machine = options.machine ?? (await openMachine())
  const plan = secondOrderPlan(recipe, modelOf(recipe), data)
  const network = buildNetwork(recipe, data, machine, plan)
  if (options.resume && !options.out) throw new UserError('--resume needs --out with the folder of the run')
  pruningSchedule(recipe, network.stepsPerEpoch) // Refused, if so, before there is a folder.
  const folder = options.out ? RunFolder.open(options.out, options) : RunFolder.fresh(recipe.name)
  try {
    return await new Run(recipe, options, network, folder, plan).go()
  } finally {
    folder.release()
  }
}

/** The model of a recipe. */
export const modelOf = ({ model: { name, classes, widen } }: Recipe): Model => findModel(name, { classes, widen })

/** The network of a recipe, with its initial weights. */
export function buildNetwork(recipe: Recipe, data: Dataset, machine: Machine, plan?: SecondOrderPlan): Network {
  const { augment, validation, stratify } = recipe.data
  const { init, weights } = recipe.model
  const network = new Network({
    ...{ machine, data, model: modelOf(recipe), init },
    ...{ batch: recipe.train.batch, validation, stratify, seed: recipe.seed, augment: findAugmentation(augment) },
    ...{ programs: plan?.programs, judged: plan?.judged, kernels: plan ? 'dense' : recipe.train.kernels },
  })
  if (weights !== undefined) loadWeights(network, unpackSparse(readSafetensors(weights), weights), weights)
  return network
}

/** When a recipe prunes, in steps. Throws UserError where that does not fit the training. */
export function pruningSchedule({ prune, train }: Recipe, stepsPerEpoch: number): PruningSchedule | undefined {
  if (!prune) return undefined
  const { schedule: kind, sparsity, initial } = prune
  const [start, every] = [toSteps(prune.start, stepsPerEpoch), toSteps(prune.every, stepsPerEpoch)]
  const end = prune.end === undefined || kind === 'one-shot' ? start : toSteps(prune.end, stepsPerEpoch)
  if (kind !== 'one-shot' && (end < start || every < 1))
    throw new UserError(
      `prune: expected start <= end and every >= 1it, found start ${prune.start}, end ${prune.end}, every ${prune.every}`,
    )
  const steps = train.epochs * stepsPerEpoch
  if (end > steps)
    throw new UserError(`prune: the last event is at step ${end}, but training ends after ${steps} steps`)
  return { kind, sparsity, start, end, every, initial }
}

class Run {
  readonly #recipe: Recipe
  readonly #options: RunOptions
  readonly #network: Network
  readonly #folder: RunFolder
  readonly #plan?: SecondOrderPlan
  readonly #steps: number
  readonly #perEpoch: number
  #sparsity = 0
  #sums: EpochSums = { loss: 0, correct: 0, samples: 0 }
  #step = 0
  /** Training time of earlier sessions of this run, and the start of this one. */
  #before = 0
  #started = performance.now()

  constructor(recipe: Recipe, options: RunOptions, network: Network, folder: RunFolder, plan?: SecondOrderPlan) {
    this.#plan = plan
    this.#recipe = recipe
    this.#options = options
    this.#network = network
    this.#folder = folder
    this.#perEpoch = network.stepsPerEpoch
    this.#steps = recipe.train.epochs * this.#perEpoch
  }

  async go(): Promise<RunOutcome> {
    const resumeAt = this.#options.resume ? this.#restore() : undefined
    if (!this.#options.resume) this.#begin()
    this.#tell({
      ...{
        type: 'start',
        folder: this.#folder.path,
        engine: this.#network.machine.description,
        layers: this.#network.counts(),
      },
      ...{ epochs: this.#recipe.train.epochs, steps: this.#steps, resumedAt: resumeAt },
    })
    this.#started = performance.now()
    let lastSave = performance.now()
    const every = (this.#options.checkpointSeconds ?? 10) * 1000

    const taken = await train(this.#network, {
      ...{ epochs: this.#recipe.train.epochs, seed: this.#recipe.seed },
      ...{ optimizer: this.#recipe.train, schedule: this.#rates(), hooks: this.#hooks() },
      ...{ resumeAt, epochSoFar: this.#sums, signal: this.#options.signal },
      onEpoch: (epoch) => this.#endEpoch(epoch),
      onStep: ({ step, epoch, sums }) => {
        this.#step = step
        this.#sums = sums
        if (sums.samples > 0) this.#tellProgress(epoch, resumeAt ?? 0)
        if (performance.now() - lastSave < every) return
        this.#save()
        lastSave = performance.now()
      },
    })
    this.#step = taken
    this.#save()
    if (taken < this.#steps) return { folder: this.#folder.path, interrupted: true }
    return { folder: this.#folder.path, interrupted: false, result: this.#finish() }
  }

  #begin(): void {
    const environment: Environment & { seed: number } = {
      ...describeEnvironment(this.#network.machine),
      seed: this.#recipe.seed,
    }
    writeAtomically(this.#folder.file('environment'), `${JSON.stringify(environment, null, 2)}\n`)
    writeAtomically(this.#folder.file('metrics'), '')
    writeAtomically(this.#folder.file('recipe'), recipeToYaml(this.#recipe))
  }

  /** Brings back the state of the last checkpoint; undefined where the run had none yet. */
  #restore(): number | undefined {
    const folder = this.#folder
    if (!folder.has('recipe')) throw new UserError(`${folder.path} holds no run to resume`)
    if (folder.has('report')) throw new UserError(`${folder.path}: this run is complete; see ${folder.file('report')}`)
    if (readFileSync(folder.file('recipe'), 'utf8') !== recipeToYaml(this.#recipe))
      throw new UserError(
        `${folder.file('recipe')} differs from the recipe given: resume with the same recipe, seed and --set`,
      )
    if (!folder.has('checkpoint')) {
      folder.truncateMetrics(0)
      return undefined
    }
    this.#noticeOtherEngine()
    const path = folder.file('checkpoint')
    const file = readSafetensors(path)
    const progressed = progressOf(file, path)
    loadCheckpoint(this.#network, file, path)
    folder.truncateMetrics(progressed.metricsBytes)
    this.#sums = progressed.sums
    this.#before = progressed.seconds
    this.#step = progressed.step
    this.#sparsity = sparsityOf(this.#network.counts())
    return progressed.step
  }

  /** Results are the same to the bit on one engine and instruction set only. */
  #noticeOtherEngine(): void {
    const kind = (description: unknown) => String(description).split(',')[0]
    const now = kind(this.#network.machine.description)
    let then = now
    try {
      then = kind(JSON.parse(readFileSync(this.#folder.file('environment'), 'utf8')).engine)
    } catch {}
    if (then === now) return
    const text = `this run began on ${then} and goes on on ${now}: its numbers may differ in their last bits from an uninterrupted run`
    this.#tell({ type: 'notice', text })
  }

  #save(): void {
    const progress: Progressed = {
      ...{ step: this.#step, sums: this.#sums, seconds: this.#seconds() },
      metricsBytes: this.#folder.size('metrics'),
    }
    const metadata = { progress: JSON.stringify(progress), seed: String(this.#recipe.seed) }
    writeSafetensors(this.#folder.file('checkpoint'), checkpointOf(this.#network, metadata))
  }

  #rates(): Omit<RateSchedule, 'total'> {
    const { schedule, learningRate, warmup, drops, factor } = this.#recipe.train
    const steps = (duration: string) => toSteps(duration, this.#perEpoch)
    return { kind: schedule, base: learningRate, warmup: steps(warmup), drops: drops.map(steps), factor }
  }

  #hooks(): Hook[] {
    const { prune, seed } = this.#recipe
    const schedule = pruningSchedule(this.#recipe, this.#perEpoch)
    if (!prune || !schedule) return []
    return [
      gradualPruning({
        ...{ scope: prune.scope, seed, schedule },
        ...(isSecondOrder(prune.method) ? { event: this.#plan?.prune } : { method: prune.method }),
        before: (_step, first) => {
          if (first) writeSafetensors(this.#folder.file('dense'), weightsOf(this.#network))
        },
        after: (step, target, result) => {
          this.#sparsity = result.sparsity
          const collapsed = result.collapsed.map(({ name }) => name)
          this.#record({ type: 'prune', step, target, sparsity: result.sparsity, collapsed })
        },
      }),
    ]
  }

  #endEpoch(epoch: EpochResult): void {
    this.#network.assertMasked()
    const held = this.#network.indices.validation.length > 0 ? this.#network.evaluate('validation') : undefined
    const validation = held && { validationLoss: held.loss, validationAccuracy: held.accuracy }
    this.#record({ type: 'epoch', ...epoch, sparsity: this.#sparsity, ...validation })
  }

  /** The only place that reads the test set. */
  #finish(): RunResult {
    const network = this.#network
    const seconds = this.#seconds()
    network.assertMasked()
    const final = network.evaluate('test')
    if (!Number.isFinite(final.loss))
      throw new UserError(`the loss on the test set is ${final.loss}: training diverged in its last step`)
    const layers = network.counts()
    const kernels = network.gains()
    const weights = weightsOf(network, { test_accuracy: (100 * final.accuracy).toFixed(2) })
    writeSafetensors(this.#folder.file('model'), packSparse(weights))
    let dense: Evaluation | undefined
    if (this.#folder.has('dense')) {
      const path = this.#folder.file('dense')
      loadWeights(network, readSafetensors(path), path)
      dense = network.evaluate('test')
    }
    const denseBytes = dense ? this.#folder.size('dense') : this.#folder.size('model')
    const result = {
      layers,
      kernels,
      sparsity: sparsityOf(layers),
      dense,
      final,
      denseBytes,
      modelBytes: this.#folder.size('model'),
      seconds,
    }
    this.#folder.appendMetric({ type: 'final', ...result })
    writeAtomically(this.#folder.file('report'), reportMarkdown(this.#recipe, network.machine.description, result))
    this.#tell({ type: 'end', folder: this.#folder.path, result })
    return result
  }

  #seconds(): number {
    return this.#before + (performance.now() - this.#started) / 1000
  }

  #tellProgress(epoch: number, from: number): void {
    const { loss, correct, samples } = this.#sums
    const seconds = (performance.now() - this.#started) / 1000
    const rate = (this.#step - from) / seconds
    this.#tell({
      ...{ type: 'progress', step: this.#step, steps: this.#steps, epoch, epochs: this.#recipe.train.epochs },
      ...{ loss: loss / samples, accuracy: correct / samples, sparsity: this.#sparsity },
      ...{ samplesPerSecond: rate * this.#recipe.train.batch, secondsLeft: (this.#steps - this.#step) / rate },
    })
  }

  #record(event: Extract<RunEvent, { type: 'epoch' | 'prune' }>): void {
    this.#folder.appendMetric(event)
    this.#tell(event)
  }

  #tell(event: RunEvent): void {
    this.#options.onEvent?.(event)
  }
}
