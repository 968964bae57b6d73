/** @file The options of a network on a machine, and their checks. */
import type { Augmentation } from '../data/augment.ts'
import type { SampleSet } from '../data/dataset.ts'
import type { CostTable } from '../engine/cost.ts'
import type { Machine } from '../engine/machine.ts'
import type { Graph } from '../graph/graph.ts'
import { classesOf, type InitializerName, initializers, type Model, sampleText } from '../models/model.ts'
import { checkName, checkWhole } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { judgesByDistance } from './distance.ts'
import type { ForwardPass } from './graphs.ts'
import { type Kernels, kernelKinds } from './kernels.ts'
import type { GradientRule } from './rules.ts'

export interface NetworkOptions {
  machine: Machine
  model: Model
  data: SampleSet
  /** The number of samples in a training step. Absent: the network can only be evaluated. */
  batch?: number
  /**
   * Whether prunable weights have masks and room for scores, though there are no training steps. Default
   * false.
   */
  masks?: boolean
  /** How many training samples are held out. Default 0. */
  validation?: number
  /** Whether every class gives the same share of its samples to those held out. Default false. */
  stratify?: boolean
  /** The seed of the initial weights and of the validation split. Default 0. */
  seed?: number
  /** The initializer. Default: that of the model. */
  init?: InitializerName
  /** The random crops and flips of training batches. Default none. */
  augment?: Augmentation
  /**
   * How many training samples {@link Network.evaluateTraining} will be given at once. Default 0, where it is
   * not called.
   */
  judged?: number
  /** Another such number, where there are two. Default: none. */
  judgedToo?: number
  /** Whether {@link Network.evaluate} will be asked for the samples that are trained on. Default false. */
  evaluatesTraining?: boolean
  /** The names of the parameters that pruning may touch. Default: the weights of all layers. */
  prunable?: readonly string[]
  /**
   * Which layers run on kernels that skip zeros, once they have some: `auto` looks it up in a table of costs.
   * Default `dense`.
   */
  kernels?: Kernels
  /** The table of costs that `auto` goes by. Default: that of the machine's instruction set. */
  costs?: CostTable
  /**
   * Whether {@link Network.denseGradients} will be called. It takes room for a gradient of every prunable
   * weight. Default false.
   */
  denseGradients?: boolean
  /**
   * What methods do to the gradients of prunable weights at every training step, in this order. Default:
   * nothing.
   */
  rules?: readonly GradientRule[]
  /** Further programs over the same parameters, by name. */
  programs?: Readonly<Record<string, (forward: Forward, model: Model) => Graph>>
}

/**
 * Builds the forward pass over `batch` training samples (input `index`) that are not augmented, by default as
 * the network will be used.
 */
export type Forward = (batch: number, training?: boolean) => ForwardPass

/** Throws UserError, which names the option, where an option has a value that it cannot have. */
export function checkOptions(options: NetworkOptions): void {
  const { batch, validation, judged, judgedToo, seed, init, kernels, augment } = options
  checkWhole('batch', batch, 1)
  for (const [name, value] of Object.entries({ validation, judged, judgedToo, seed })) checkWhole(name, value, 0)
  checkName('init', init, Object.keys(initializers))
  checkName('kernels', kernels, kernelKinds)
  checkWhole('augment.pad', augment?.pad, 0)
  checkName('augment.fill', augment?.fill, ['zero', 'reflect'])
}

/** What a data set has to have in common with a model; `train` are the samples before any are held out. */
export type Measures = Pick<SampleSet, 'name' | 'image' | 'classes'> & { train: { count: number } }

/**
 * Throws UserError where a model cannot be trained on that data (with batch 0: cannot be evaluated), which
 * names `batch` and `validation` by the keys that are `called`.
 */
export function checkFits(
  model: Model,
  data: Measures,
  batch: number,
  validation: number,
  called = { batch: 'batch', validation: 'validation' },
): void {
  if (String(model.image) !== String(data.image))
    throw new UserError(
      `${model.name} takes ${model.inputs ? '' : 'images of '}${sampleText(model)}, ${data.name} has ${data.image.join(' x ')}`,
    )
  const classes = classesOf(model)
  if (!judgesByDistance(model, data) && classes !== data.classes) {
    const predicate =
      model.classes === classes ? `tells ${classes} classes apart` : 'tells two classes apart by one score'
    throw new UserError(`${model.name} ${predicate}, ${data.name} has ${data.classes}`)
  }
  const left = data.train.count - validation
  if (batch === 0) return
  if (left < 1)
    throw new UserError(
      `${called.validation}: ${validation} of the ${data.train.count} training samples leave none to train on`,
    )
  if (batch > left)
    throw new UserError(`${called.batch}: ${batch} is more than the ${left} training samples of ${data.name}`)
}
