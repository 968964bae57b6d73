/**
 * @file What a recipe would do and cost, found out in a few steps.
 */
import { MissingData } from '../../data/folders.ts'
import { synthetic } from '../../data/synthetic.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { classesOf } from '../../models/model.ts'
import { learningRate } from '../../optim/schedule.ts'
import { setHyper } from '../../optim/sgd.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import type { Network } from '../../train/network.ts'
import { toSteps } from '../../util/duration.ts'
import { checkRecipe, type Recipe } from '../recipe/recipe.ts'
import { type Beginning, pruneFirst, withFewSamples } from './first-pruning.ts'
import { optimizerOf } from './gsm.ts'
import { buildNetwork, modelOf } from './network.ts'
import { phasesOf, planRuns, type RunPlan } from './resolve.ts'
import { rateSchedule } from './times.ts'

export interface DryRun {
  engine: string
  /** As they are at the first step, as far as that is known: {@link DryRun.counted}. */
  layers: LayerCount[]
  /** All trained scalars, biases included. */
  parameters: number
  /** Kernel calls of one training step, by kernel. */
  kernels: Record<string, number>
  /** Bytes of the arena without the data set. */
  arenaBytes: number
  /** Median of a training step. */
  secondsPerStep: number
  /**
   * What is run: more than one with a ticket section. Undefined where the data set is not on this machine.
   */
  runs?: { name: string; steps: number }[]
  /** Of all runs; undefined where the data set is not on this machine. */
  steps?: number
  estimatedSeconds?: number
  /**
   * What is wrong with the schedule, if anything; undefined, too, where the data set is not on this machine.
   */
  warning?: string
  /** What nobody said of the inputs, if anything. */
  guess?: string
  /** Why `layers` are not those of the first step, or only about those, if they are not. */
  counted?: string
  /** Why `steps` is undefined. */
  missingData?: string
}

/**
 * Makes all checks of a run, builds its network and takes a few steps; writes nothing. Where the data set is
 * not on this machine, the steps are on synthetic data of the right shape. Throws UserError where the run
 * would, with the same sentence; `source` is the file of the recipe, which errors begin with, and
 * `onMissingData` is told at once what the result then says of data that are not here.
 */
export async function dryRun(
  given: Recipe,
  source?: string,
  onMissingData: (sentence: string) => void = () => {},
): Promise<DryRun> {
  const recipe = checkRecipe(given, source ?? 'the recipe')
  const machine = await openMachine()
  const plans = await planRuns(recipe, { source }).catch((error: unknown) => {
    if (error instanceof MissingData) return error
    throw error
  })
  if (!(plans instanceof MissingData)) {
    const { plan, counted } = await withFewSamples(plans[0])
    const measured = measure(plan, await buildNetwork(plan, machine), counted)
    return { ...measured, ...lengthsOf(recipe, plans, measured.secondsPerStep), guess: plan.guess }
  }
  onMissingData(plans.message)
  const model = modelOf(recipe)
  phasesOf(recipe)
  const data = synthetic({ image: model.image, classes: classesOf(model), train: recipe.train.batch, test: 1 })
  const alone = { ...recipe, data: { ...recipe.data, validation: 0 } }
  const network = await buildNetwork({ recipe: alone, model, data }, machine)
  const measured = measure({ recipe, ...knownBeginning(recipe) }, network)
  return { ...measured, missingData: plans.message }
}

/** When a run begins, and prunes at once, as far as that is known without the number of its steps. */
function knownBeginning({ prune, train }: Recipe): Pick<RunPlan, 'schedule' | 'first'> {
  const steps = (time: string) => toSteps(time, 1)
  const first = steps(train.start ?? '0it')
  if (prune?.schedule !== 'one-shot') return { first }
  const [start, every] = [prune.start, prune.every].map(steps)
  return { first, schedule: { kind: 'one-shot', sparsity: prune.sparsity, start, end: start, every } }
}

/** Prunes as the run does before its first step, and takes a few training steps. */
function measure(plan: Beginning, network: Network, byFewSamples?: string): DryRun {
  const { recipe } = plan
  const counted = pruneFirst(network, plan) ?? byFewSamples
  const { batch } = recipe.train
  const samples = network.indices.train.slice(0, batch)
  setHyper(network.executable, learningRate(rateSchedule(recipe, 1), 0), optimizerOf(recipe))
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now()
    network.step(samples)
    return (performance.now() - start) / 1000
  })
  const secondsPerStep = times.sort((a, b) => a - b)[2]
  const kernels: Record<string, number> = {}
  for (const { kernel } of network.executable.profile(`train/${batch}`, 1)) kernels[kernel] = (kernels[kernel] ?? 0) + 1
  const { persistent, temporary } = network.executable.memory
  const { train, test } = network.data
  const ofData = [train, test].reduce((sum, { count, images }) => sum + images.length + 4 * count, 0)
  return {
    engine: network.machine.description,
    layers: network.counts(),
    ...(counted !== undefined && { counted }),
    kernels,
    secondsPerStep,
    parameters: network.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    arenaBytes: 4 * (persistent + temporary) - ofData,
  }
}

/** How long the runs of a recipe are. */
function lengthsOf(recipe: Recipe, plans: readonly RunPlan[], secondsPerStep: number) {
  const runs = phasesOf(recipe).map(({ name }, i) => ({ name, steps: plans[i].steps - plans[i].first }))
  const steps = runs.reduce((sum, run) => sum + run.steps, 0)
  const warning = plans.find((plan) => plan.warning !== undefined)?.warning
  return { runs, steps, estimatedSeconds: steps * secondsPerStep, warning }
}
