/**
 * @file Runs a recipe: train, prune on the way, evaluate, and leave a folder from which every number can be traced and an
 * interrupted run resumed, bit for bit.
 */
import type { Dataset } from '../data/dataset.ts'
import { loadDataset } from '../data/index.ts'
import type { DataProgress } from '../data/progress.ts'
import { type Machine, openMachine } from '../engine/machine.ts'
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts'
import { packSparse } from '../formats/sparse.ts'
import { effectiveSparsity, refuseCollapse } from '../prune/collapse.ts'
import { sparsityOf } from '../prune/mask.ts'
import { checkpointOf, loadCheckpoint, loadWeights, weightsOf } from '../train/checkpoint.ts'
import type { Evaluation, Network } from '../train/network.ts'
import { type EpochResult, type EpochSums, type Hook, train } from '../train/train.ts'
import { UserError } from '../util/errors.ts'
import { writeAtomically } from '../util/files.ts'
import { evaluateTop, type Gap, gapOf, keepTop } from '../workflow/gsm.ts'
import { prunedResult } from '../workflow/masks.ts'
import { gradualPruning, type PruneResult } from '../workflow/prune.ts'
import type { RewiringHook } from '../workflow/rewire.ts'
import { toSteps } from './duration.ts'
import { describeEnvironment, type Environment, otherEngine } from './environment.ts'
import { RunFolder } from './folder.ts'
import { gsmProblem, optimizerOf } from './gsm.ts'
import { type Progressed, progressOf } from './progressed.ts'
import { type PruningPlan, pruningPlan } from './pruning-plan.ts'
import { type Recipe, recipeToYaml } from './recipe.ts'
import { reportMarkdown } from './report.ts'
import { rewiringHook } from './rewiring-plan.ts'
import type { RunEvent, RunOutcome, RunResult } from './run-events.ts'
import { buildNetwork, firstStep, modelOf, pruningSchedule, rateSchedule } from './setup.ts'

export interface RunOptions {
  /** Default: a new folder under runs/. */
  out?: string
  resume?: boolean
  force?: boolean
  /** Seconds between checkpoints. Default 10. */
  checkpointSeconds?: number
  machine?: Machine
  /** In the place of the data set that the recipe names. */
  data?: Dataset
  /** Ends training after the step in progress, with a checkpoint. */
  signal?: AbortSignal
  /** Called with true where a pruning event, which `signal` does not reach, goes on for a second, and with false when it is over. Until then the last checkpoint stands. */
  onUnstoppable?(is: boolean): void
  onEvent?(event: RunEvent): void
  /** While images are being decoded. */
  onData?(progress: DataProgress): void
}

/** Runs a recipe without a ticket section (those: run-ticket.ts). Throws UserError where it cannot, or where it diverges. */
export async function runRecipe(recipe: Recipe, options: RunOptions = {}): Promise<RunOutcome> {
  if (recipe.ticket) throw new Error('a recipe with a ticket section is several runs: use runTicket')
  const { name: dataName, normalization, size, crop, skipCorrupt } = recipe.data
  const images = { normalization, size, crop, skipCorrupt, onProgress: options.onData }
  const data = options.data ?? (await loadDataset(dataName, images))
  const machine = options.machine ?? (await openMachine())
  const plan = pruningPlan(recipe, modelOf(recipe), data)
  const network = await buildNetwork(recipe, data, machine, plan)
  if (options.resume && !options.out) throw new UserError('--resume needs --out with the folder of the run')
  // Refused, if so, before there is a folder.
  pruningSchedule(recipe, network.stepsPerEpoch)
  firstStep(recipe, network.stepsPerEpoch)
  rewiringHook(recipe, network.stepsPerEpoch, () => {})
  const folder = options.out ? RunFolder.open(options.out, options) : RunFolder.fresh(recipe.name)
  try {
    return await new Run(recipe, options, network, folder, plan).go()
  } finally {
    folder.release()
  }
}

class Run {
  readonly #recipe: Recipe
  readonly #options: RunOptions
  readonly #network: Network
  readonly #folder: RunFolder
  readonly #plan?: PruningPlan
  readonly #rewiring?: RewiringHook
  /** Where training begins, and where it ends. */
  readonly #first: number
  readonly #steps: number
  readonly #perEpoch: number
  #sparsity = 0
  #sums: EpochSums = { loss: 0, correct: 0, samples: 0 }
  #step = 0
  /** Training time of earlier sessions of this run, and the start of this one. */
  #before = 0
  #started = performance.now()
  /** Milliseconds of this session that no step took. */
  #pruning = 0

  constructor(recipe: Recipe, options: RunOptions, network: Network, folder: RunFolder, plan?: PruningPlan) {
    this.#plan = plan
    this.#recipe = recipe
    this.#options = options
    this.#network = network
    this.#folder = folder
    this.#perEpoch = network.stepsPerEpoch
    this.#steps = recipe.train.epochs * this.#perEpoch
    this.#first = this.#step = firstStep(recipe, this.#perEpoch)
    this.#sparsity = this.#maskedShare()
    this.#rewiring = rewiringHook(recipe, this.#perEpoch, (event) => this.#record({ type: 'rewire', ...event }))
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
    const schedule = rateSchedule(this.#recipe, this.#perEpoch)
    const problem = gsmProblem(this.#recipe, { ...schedule, total: this.#steps })
    if (problem && resumeAt === undefined) this.#tell({ type: 'notice', text: problem })
    this.#started = performance.now()
    let lastSave = performance.now()
    const every = (this.#options.checkpointSeconds ?? 10) * 1000

    const taken = await train(this.#network, {
      ...{ epochs: this.#recipe.train.epochs, seed: this.#recipe.seed },
      ...{
        optimizer: optimizerOf(this.#recipe),
        schedule,
        hooks: this.#hooks(),
      },
      ...{ start: this.#first, resumeAt, epochSoFar: this.#sums, signal: this.#options.signal },
      onEpoch: (epoch) => this.#endEpoch(epoch),
      onStep: ({ step, epoch, sums }) => {
        this.#step = step
        this.#sums = sums
        if (sums.samples > 0) this.#tellProgress(epoch, resumeAt ?? this.#first)
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
    folder.expectToResume(recipeToYaml(this.#recipe))
    if (!folder.has('checkpoint')) {
      folder.truncateMetrics(0)
      return undefined
    }
    const text = otherEngine(folder.file('environment'), this.#network.machine)
    if (text) this.#tell({ type: 'notice', text })
    const path = folder.file('checkpoint')
    const file = readSafetensors(path)
    const progressed = progressOf(file, path)
    loadCheckpoint(this.#network, file, path)
    this.#rewiring?.restore(progressed.rewiring ?? {}, file, this.#network)
    folder.truncateMetrics(progressed.metricsBytes)
    this.#sums = progressed.sums
    this.#before = progressed.seconds
    this.#step = progressed.step
    this.#sparsity = this.#maskedShare()
    return progressed.step
  }

  /** Sparsity by masks, as at pruning events: a weight that has just grown is zero. */
  #maskedShare(): number {
    const { weights } = this.#network
    return sparsityOf(this.#network.counts().map((layer) => ({ ...layer, kept: weights.count(layer.name) })))
  }

  #save(): void {
    const rewiring = this.#rewiring?.save()
    const progress: Progressed = {
      ...{ step: this.#step, sums: this.#sums, seconds: this.#seconds() },
      metricsBytes: this.#folder.size('metrics'),
      rewiring: rewiring?.state,
    }
    const metadata = { progress: JSON.stringify(progress), seed: String(this.#recipe.seed) }
    const file = checkpointOf(this.#network, metadata)
    for (const [name, tensor] of rewiring?.tensors ?? []) file.tensors.set(name, tensor)
    writeSafetensors(this.#folder.file('checkpoint'), file)
  }

  #hooks(): Hook[] {
    return [...this.#snapshot(), ...this.#prunes(), ...(this.#rewiring ? [this.#rewiring] : [])]
  }

  #snapshot(): Hook[] {
    const { snapshot } = this.#recipe.train
    if (snapshot === undefined) return []
    const at = toSteps(snapshot, this.#perEpoch)
    const atStep = (step: number) => {
      if (step === at) writeSafetensors(this.#folder.file('snapshot'), weightsOf(this.#network))
    }
    return [{ atStep }]
  }

  #prunes(): Hook[] {
    const plan = this.#plan
    const { prune } = this.#recipe
    const schedule = pruningSchedule(this.#recipe, this.#perEpoch)
    if (!plan || !prune || !schedule) return []
    return [
      gradualPruning({
        schedule,
        event: (network, event, index) => {
          const started = performance.now()
          let long = false
          const progress = (phase: string, text: string, share?: number) => {
            this.#tell({ type: 'pruning', phase, text, share })
            if (long || performance.now() - started < 1000) return
            long = true
            this.#options.onUnstoppable?.(true)
          }
          const result = plan.prune(network, event, index, progress)
          if (long) this.#options.onUnstoppable?.(false)
          this.#pruning += performance.now() - started
          return result
        },
        before: (_step, first) => {
          if (first) writeSafetensors(this.#folder.file('dense'), weightsOf(this.#network))
        },
        after: (step, target, result) => {
          if (prune.onCollapse === 'error') refuseCollapse(result, target)
          this.#pruned(step, target, result)
        },
      }),
    ]
  }

  #pruned(step: number, target: number, result: PruneResult, gap?: Gap): void {
    const { sparsity, deadOutputs, outputs, floor, statistics } = result
    this.#sparsity = sparsity
    const collapsed = result.collapsed.map(({ name }) => name)
    const found = { sparsity, effectiveSparsity: effectiveSparsity(result), collapsed, deadOutputs, outputs }
    this.#record({ type: 'prune', step, target, ...found, floor, statistics, gap })
  }

  #endEpoch(epoch: EpochResult): void {
    const network = this.#network
    network.assertMasked()
    const held = network.indices.validation.length > 0 ? network.evaluate('validation') : undefined
    const validation = held && { validationLoss: held.loss, validationAccuracy: held.accuracy }
    const top = network.active === undefined ? undefined : gapOf(network, network.active)
    const pruned = top && {
      ...{ gap: top.gap, prunedAccuracy: held && evaluateTop(network, top.masks).accuracy },
    }
    this.#record({ type: 'epoch', ...epoch, sparsity: this.#sparsity, ...validation, ...pruned })
  }

  /** The last act of train.gsm: as many weights stay as were active at each step. */
  #keepTop(): Gap | undefined {
    const network = this.#network
    if (network.active === undefined) return undefined
    writeSafetensors(this.#folder.file('dense'), weightsOf(network))
    const { gap } = gapOf(network, network.active)
    const result = keepTop(network, network.active)
    this.#pruned(this.#step, result.sparsity, result, gap)
    return gap
  }

  /** The only place that reads the test set. */
  #finish(): RunResult {
    const network = this.#network
    const seconds = this.#seconds()
    const gap = this.#keepTop()
    network.assertMasked()
    const final = network.evaluate('test')
    if (!Number.isFinite(final.loss))
      throw new UserError(`the loss on the test set is ${final.loss}: training diverged in its last step`)
    const pruned = prunedResult(network)
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
      ...{ ...pruned, kernels, dense, final, gap },
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
    const seconds = (performance.now() - this.#started - this.#pruning) / 1000
    const rate = (this.#step - from) / seconds
    this.#tell({
      ...{ type: 'progress', step: this.#step, steps: this.#steps, epoch, epochs: this.#recipe.train.epochs },
      ...{ loss: loss / samples, accuracy: correct / samples, sparsity: this.#sparsity },
      ...{ samplesPerSecond: rate * this.#recipe.train.batch, secondsLeft: (this.#steps - this.#step) / rate },
    })
  }

  #record(event: Extract<RunEvent, { type: 'epoch' | 'prune' | 'rewire' }>): void {
    this.#folder.appendMetric(event)
    this.#tell(event)
  }

  #tell(event: RunEvent): void {
    this.#options.onEvent?.(event)
  }
}
