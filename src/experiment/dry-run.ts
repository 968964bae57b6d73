/**
 * @file What a recipe would do and cost, found out in a few steps on synthetic data of the right shape.
 */
import type { Dataset } from '../data/dataset.ts'
import { loadDataset } from '../data/index.ts'
import { synthetic } from '../data/synthetic.ts'
import { openMachine } from '../engine/machine.ts'
import { sizeOf } from '../graph/tensor.ts'
import { classesOf } from '../models/model.ts'
import { setHyper } from '../optim/sgd.ts'
import type { LayerCount } from '../prune/mask.ts'
import { checkFits } from '../train/options.ts'
import { UserError } from '../util/errors.ts'
import { gsmProblem, optimizerOf } from './gsm.ts'
import { checkRecipe, type Recipe } from './recipe.ts'
import { secondOrderPlan } from './second-order.ts'
import { buildNetwork, firstStep, modelOf, pruningSchedule, rateSchedule } from './setup.ts'
import { ticketPhases } from './ticket.ts'

export interface DryRun {
  engine: string
  layers: LayerCount[]
  /** All trained scalars, biases included. */
  parameters: number
  /** Kernel calls of one training step, by kernel. */
  kernels: Record<string, number>
  /** Bytes of the arena without the data set. */
  arenaBytes: number
  /** Median of a training step. */
  secondsPerStep: number
  /** What is run: more than one with a ticket section. Undefined where the data set is not on this machine. */
  runs?: { name: string; steps: number }[]
  /** Of all runs; undefined where the data set is not on this machine. */
  steps?: number
  estimatedSeconds?: number
  /** What is wrong with the schedule, if anything; undefined, too, where the data set is not on this machine. */
  warning?: string
  /** Why `steps` is undefined. */
  missingData?: string
}

/** Builds the network and takes a few steps on synthetic data; writes nothing. Throws UserError where the run would at once. */
export async function dryRun(recipe: Recipe): Promise<DryRun> {
  const machine = await openMachine()
  const model = modelOf(recipe)
  const { batch, learningRate } = recipe.train
  const data = synthetic({ image: model.image, classes: classesOf(model), train: batch, test: 1 })
  const network = await buildNetwork({ ...recipe, data: { ...recipe.data, validation: 0 } }, data, machine)
  const samples = Uint32Array.from({ length: batch }, (_, i) => i)
  setHyper(network.executable, learningRate, optimizerOf(recipe))
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now()
    network.step(samples)
    return (performance.now() - start) / 1000
  })
  const secondsPerStep = times.sort((a, b) => a - b)[2]
  const kernels: Record<string, number> = {}
  for (const { kernel } of network.executable.profile(`train/${batch}`, 1)) kernels[kernel] = (kernels[kernel] ?? 0) + 1
  const { persistent, temporary } = network.executable.memory
  const result: DryRun = {
    ...{ engine: machine.description, layers: network.counts(), kernels, secondsPerStep },
    parameters: network.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    arenaBytes: 4 * (persistent + temporary) - data.train.images.length - data.test.images.length,
  }
  let real: Dataset
  try {
    real = await loadDataset(recipe.data.name)
  } catch (error) {
    if (error instanceof UserError) return { ...result, missingData: error.message }
    throw error
  }
  checkFits(model, real, batch, recipe.data.validation)
  const perEpoch = Math.ceil((real.train.count - recipe.data.validation) / batch)
  secondOrderPlan(recipe, model, real)
  const check = (value: unknown) => checkRecipe(value, 'ticket')
  const runs = recipe.ticket ? ticketPhases(recipe, model, '', check) : [{ name: recipe.name, recipe }]
  const lengths = runs.map(({ name, recipe: own }) => {
    pruningSchedule(own, perEpoch)
    const total = own.train.epochs * perEpoch
    const warning = gsmProblem(own, { ...rateSchedule(own, perEpoch), total }, perEpoch)
    return { name, steps: total - firstStep(own, perEpoch), warning }
  })
  const steps = lengths.reduce((sum, run) => sum + run.steps, 0)
  const { warning } = lengths.find((run) => run.warning !== undefined) ?? {}
  return {
    ...{ ...result, steps, estimatedSeconds: steps * secondsPerStep, warning },
    runs: lengths.map(({ name, steps: own }) => ({ name, steps: own })),
  }
}
