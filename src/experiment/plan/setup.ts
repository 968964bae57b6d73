/** @file What a recipe begins with: its network, and when it prunes. */
import { findAugmentation } from '../../data/augment.ts'
import type { Dataset } from '../../data/dataset.ts'
import type { Machine } from '../../engine/machine.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { rewirings } from '../../methods/rewiring/index.ts'
import type { Model } from '../../models/model.ts'
import type { RateSchedule } from '../../optim/schedule.ts'
import type { PruningSchedule } from '../../sparsity/schedule.ts'
import { loadMasks, loadWeights } from '../../train/checkpoint.ts'
import { findNetwork } from '../../train/find-network.ts'
import type { Kernels } from '../../train/kernels.ts'
import { namedAs } from '../../train/layer-names.ts'
import { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { toSteps } from '../recipe/duration.ts'
import { prunableNames } from '../recipe/mask-keys.ts'
import type { Recipe } from '../recipe/recipe.ts'
import { weightsPath } from '../run/weights-path.ts'
import { activeCount } from './gsm.ts'
import type { PruningPlan } from './pruning-plan.ts'

/** The model of a recipe. */
export const modelOf = ({ model: { name, classes, widen } }: Recipe): Model => findNetwork(name, { classes, widen })

/** Masked weights that train on are not where sparse kernels look. */
const kernelsOf = ({ rewire, train }: Recipe): Kernels => (rewire?.faithful ? 'dense' : train.kernels)

/** The network of a recipe, with its initial weights. */
export async function buildNetwork(
  recipe: Recipe,
  data: Dataset,
  machine: Machine,
  plan?: PruningPlan,
): Promise<Network> {
  const { augment, validation, stratify } = recipe.data
  const { name, init } = recipe.model
  // An ONNX model has weights of its own.
  const own = isOnnxName(name) && init === undefined ? name : undefined
  const weights = recipe.model.weights === undefined ? own : weightsPath(recipe.model.weights)
  const masks = recipe.model.masks === undefined ? undefined : weightsPath(recipe.model.masks)
  const model = modelOf(recipe)
  const { prune, tie } = recipe
  const prunable = tie ? prunableNames(tie, model, 'tie') : prune && prunableNames(prune, model)
  const gradients = recipe.rewire && rewirings[recipe.rewire.method].gradients
  const network = new Network({
    machine,
    data,
    model,
    init,
    prunable,
    tying: tie,
    batch: recipe.train.batch,
    validation,
    stratify,
    seed: recipe.seed,
    augment: findAugmentation(augment),
    programs: plan?.programs,
    judged: plan?.judged,
    kernels: plan?.kernels ?? kernelsOf(recipe),
    groupLasso: recipe.train.groupLasso,
    denseGradients: gradients === 'batch',
    smoothing: gradients === 'smoothed' ? recipe.train.momentum : undefined,
    active: activeCount(recipe.train.gsm, model),
  })
  if (weights !== undefined) loadWeights(network, namedAs(model, await readWeights(weights)).file, weights)
  if (masks !== undefined) loadMasks(network, namedAs(model, await readWeights(masks)).file, masks)
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

/**
 * The step at which training begins. Throws UserError where that, or when a snapshot is to be written, is no
 * step of the training.
 */
export function firstStep({ train }: Recipe, stepsPerEpoch: number): number {
  const [first, steps] = [toSteps(train.start ?? '0it', stepsPerEpoch), train.epochs * stepsPerEpoch]
  if (first > steps)
    throw new UserError(`train.start: expected at most the ${steps} steps of the training, found ${train.start}`)
  const snapshot = train.snapshot === undefined ? first : toSteps(train.snapshot, stepsPerEpoch)
  if (snapshot < first || snapshot > steps)
    throw new UserError(`train.snapshot: expected a step from ${first} to ${steps}, found ${train.snapshot}`)
  return first
}

/** The learning rates of a recipe. */
export function rateSchedule({ train }: Recipe, stepsPerEpoch: number): Omit<RateSchedule, 'total'> {
  const { schedule, learningRate, warmup, drops, factor } = train
  const steps = (duration: string) => toSteps(duration, stepsPerEpoch)
  return { kind: schedule, base: learningRate, warmup: steps(warmup), drops: drops.map(steps), factor }
}
