/**
 * @file Runs a recipe: train, prune on the way, evaluate, and leave a folder from which every number can be
 * traced and an interrupted run resumed, bit for bit.
 */
import type { LabelledSet } from '../../data/dataset.ts'
import { originOf } from '../../data/normalization.ts'
import type { DataProgress } from '../../data/progress.ts'
import type { Machine } from '../../engine/machine.ts'
import { openMachine } from '../../engine/machines/open.ts'
import type { RewiringHook } from '../../methods/rewiring/hook.ts'
import type { Network } from '../../train/network.ts'
import { type EpochSums, type Hook, train } from '../../train/train.ts'
import { checkNotNegative } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes, writeAtomically } from '../../util/files.ts'
import { sha256 } from '../../util/sha256.ts'
import { buildNetwork } from '../plan/network.ts'
import { planRuns, type RunPlan } from '../plan/resolve.ts'
import { checkRecipe, type Recipe, recipeToYaml } from '../recipe/recipe.ts'
import { BestEpoch } from './best-epoch.ts'
import { RunClock } from './clock.ts'
import { endRun } from './end.ts'
import {
  describeEnvironment,
  type Environment,
  environmentText,
  type Inputs,
  otherEnvironment,
  recordPeakMemory,
} from './environment.ts'
import { epochReport, maskedShare } from './epoch-report.ts'
import { evaluationsAfter } from './evaluations.ts'
import type { RunEvent, RunOutcome } from './events.ts'
import { RunFolder } from './folder.ts'
import { balancingHooks, freezeHooks, pruningHooks, snapshotHooks } from './hooks.ts'
import { Journal } from './journal.ts'
import { RewiringWarnings } from './rewiring-warnings.ts'
import { type RunState, restoreState, saveState } from './state.ts'
import { restoreTarget, targetHooks } from './target-hook.ts'
import { weightsPath } from './weights-path.ts'

export interface RunOptions {
  /** The file of the recipe, which errors begin with. Default: they begin with the key. */
  source?: string
  /** Default: a new folder under runs/. */
  out?: string
  resume?: boolean
  force?: boolean
  /** Seconds between checkpoints. Default 10. */
  checkpointSeconds?: number
  machine?: Machine
  /** In the place of the data set that the recipe names. */
  data?: LabelledSet
  /** Ends training after the step in progress, with a checkpoint. */
  signal?: AbortSignal
  /**
   * Called with true where a pruning event begins that looks at data, which `signal` does not reach, and with
   * false when it is over, with the run's folder. Until then the last checkpoint stands.
   */
  onUnstoppable?(is: boolean, folder: string): void
  onEvent?(event: RunEvent): void
  /** While images are being decoded. */
  onData?(progress: DataProgress): void
}

/**
 * Runs a recipe without a ticket section (those: run-ticket.ts). Throws UserError where it cannot, or where
 * it diverges.
 */
export async function runRecipe(given: Recipe, options: RunOptions = {}): Promise<RunOutcome> {
  const recipe = checkRecipe(given, options.source ?? 'the recipe')
  checkNotNegative('checkpointSeconds', options.checkpointSeconds)
  if (recipe.ticket)
    throw new UserError('ticket: a recipe with this section is several runs: expected a call of runTicket')
  if (options.resume && !options.out) throw new UserError('--resume needs --out with the folder of the run')
  if (options.out) RunFolder.check(options.out, options, recipeToYaml(recipe))
  const [plan] = await planRuns(recipe, options)
  const notes: string[] = []
  const network = await buildNetwork(plan, options.machine ?? (await openMachine()), (note) => notes.push(note))
  const folder = options.out ? RunFolder.open(options.out, options) : RunFolder.fresh(recipe.name)
  try {
    return await new Run(plan, options, network, folder).go(notes)
  } finally {
    folder.release()
  }
}

class Run {
  readonly #recipe: Recipe
  readonly #plan: RunPlan
  readonly #options: RunOptions
  readonly #network: Network
  readonly #folder: RunFolder
  readonly #journal: Journal
  readonly #rewiring?: RewiringHook
  readonly #best?: BestEpoch
  #clock = new RunClock(0)
  #step: number
  #sums: EpochSums = { loss: 0, correct: 0, samples: 0 }
  #sparsity: number

  constructor(plan: RunPlan, options: RunOptions, network: Network, folder: RunFolder) {
    this.#recipe = plan.recipe
    this.#plan = plan
    this.#options = options
    this.#network = network
    this.#folder = folder
    this.#journal = new Journal(folder, options.onEvent)
    this.#step = plan.first
    this.#sparsity = maskedShare(network)
    if (plan.keepFrom !== undefined) this.#best = new BestEpoch(plan, plan.keepFrom, network, folder)
    const warnings = new RewiringWarnings()
    this.#rewiring = plan.rewiring?.((event) => {
      this.#sparsity = maskedShare(network)
      this.#journal.record({ type: 'rewire', ...event })
      for (const text of warnings.of(event)) this.#journal.tell({ type: 'notice', text })
    })
  }

  /** `notes` are told where the run begins. */
  async go(notes: readonly string[]): Promise<RunOutcome> {
    const { epochs } = this.#recipe.train
    const { path } = this.#folder
    const resumed = this.#options.resume ? this.#restore() : undefined
    if (!this.#options.resume) this.#begin()
    const { description: engine } = this.#network.machine
    const told = { folder: path, engine, layers: this.#network.counts(), epochs, steps: this.#plan.steps }
    this.#journal.tell({ type: 'start', ...told, resumedAt: resumed?.step })
    const { optimizer, rates: schedule, guess, warning } = this.#plan
    for (const text of [guess, warning, ...notes]) if (text && !resumed) this.#journal.tell({ type: 'notice', text })
    if (this.#options.resume && !resumed)
      this.#journal.tell({ type: 'notice', text: `there is no checkpoint in ${path} yet: the run begins anew` })
    this.#clock = new RunClock(resumed?.seconds ?? 0)
    let lastSave = performance.now()
    const every = (this.#options.checkpointSeconds ?? 10) * 1000

    this.#step = await train(this.#network, {
      epochs,
      seed: this.#recipe.seed,
      optimizer,
      schedule,
      hooks: this.#hooks(),
      start: this.#plan.first,
      resumeAt: resumed?.step,
      epochSoFar: this.#sums,
      signal: this.#options.signal,
      onEpoch: (epoch) => {
        this.#network.assertMasked()
        const evaluations = evaluationsAfter(epoch.epoch, this.#plan, this.#network)
        const report = epochReport(epoch, evaluations, this.#sparsity, this.#plan.active, this.#network.stepsPerEpoch)
        const metric = this.#recipe.validation?.metric === 'f1' ? ('f1' as const) : undefined
        this.#journal.record({ ...report, metric, best: this.#best?.see(epoch, evaluations) })
      },
      onStep: ({ step, epoch, sums }) => {
        this.#step = step
        this.#sums = sums
        if (sums.samples > 0) this.#tellProgress(epoch, resumed?.step ?? this.#plan.first)
        if (performance.now() - lastSave < every) return
        this.#save()
        lastSave = performance.now()
      },
    })
    this.#save()
    if (this.#step < this.#plan.steps) return { folder: path, interrupted: true }
    const result = endRun({
      plan: this.#plan,
      network: this.#network,
      folder: this.#folder,
      journal: this.#journal,
      step: this.#step,
      seconds: this.#clock.total(),
      best: this.#best,
    })
    this.#folder.remove('best')
    recordPeakMemory(this.#folder.file('environment'))
    return { folder: path, interrupted: false, result }
  }

  #begin(): void {
    const { data } = this.#network
    const { weights } = this.#recipe.model
    const environment: Environment & { seed: number; inputs: Inputs } = {
      ...describeEnvironment(this.#network.machine, this.#network.kernels.costs),
      seed: this.#recipe.seed,
      ...(weights !== undefined && { weights: sha256([readBytes(weightsPath(weights))]) }),
      inputs: { mean: data.mean, std: data.std, origin: originOf(data) },
    }
    writeAtomically(this.#folder.file('environment'), environmentText(environment))
    writeAtomically(this.#folder.file('metrics'), '')
    writeAtomically(this.#folder.file('recipe'), recipeToYaml(this.#recipe))
  }

  /** Brings back the state of the last checkpoint; undefined where the run had none yet. */
  #restore(): RunState | undefined {
    this.#folder.expectToResume(recipeToYaml(this.#recipe))
    if (this.#folder.has('checkpoint')) {
      const { machine, kernels } = this.#network
      for (const text of otherEnvironment(this.#folder.file('environment'), machine, kernels.costs))
        this.#journal.tell({ type: 'notice', text })
    }
    const state = restoreState(this.#saved())
    if (!state) return undefined
    restoreTarget(this.#plan, this.#folder)
    this.#step = state.step
    this.#sums = state.sums
    this.#sparsity = maskedShare(this.#network)
    return state
  }

  #save(): void {
    const seconds = this.#clock.total()
    const state = { step: this.#step, steps: this.#plan.steps, sums: this.#sums, seconds }
    saveState(this.#saved(), this.#recipe.seed, state)
  }

  #saved() {
    return { folder: this.#folder, network: this.#network, rewiring: this.#rewiring, best: this.#best }
  }

  #hooks(): Hook[] {
    const told = {
      folder: this.#folder,
      journal: this.#journal,
      clock: this.#clock,
      onUnstoppable: this.#options.onUnstoppable,
    }
    const pruning = pruningHooks(this.#plan, this.#network, {
      ...told,
      onPruned: ({ sparsity }) => {
        this.#sparsity = sparsity
      },
    })
    const own = [...snapshotHooks(this.#plan, this.#network, this.#folder), ...freezeHooks(this.#plan, this.#network)]
    return [
      ...own,
      ...targetHooks(this.#plan, told),
      ...pruning,
      ...balancingHooks(this.#plan),
      ...(this.#rewiring ? [this.#rewiring] : []),
    ]
  }

  #tellProgress(epoch: number, from: number): void {
    const { loss, correct, samples } = this.#sums
    const rate = (this.#step - from) / this.#clock.ofSteps()
    this.#journal.tell({
      type: 'progress',
      step: this.#step,
      steps: this.#plan.steps,
      epoch,
      epochs: this.#recipe.train.epochs,
      loss: loss / samples,
      accuracy: correct / samples,
      sparsity: this.#sparsity,
      samplesPerSecond: rate * this.#recipe.train.batch,
      secondsLeft: (this.#plan.steps - this.#step) / rate,
    })
  }
}
