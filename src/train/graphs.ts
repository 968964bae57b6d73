/**
 * @file The graphs of a network: one training step, and the evaluation of a batch.
 */
import type { Augmentation } from '../data/augment.ts'
import type { Dataset } from '../data/dataset.ts'
import { differentiate } from '../graph/differentiate.ts'
import { Graph, prunableParameters } from '../graph/graph.ts'
import { loadBatch } from '../graph/operators/batch.ts'
import { countCorrect, sampleCrossEntropy } from '../graph/operators/loss.ts'
import { reduceMean } from '../graph/operators/mean.ts'
import { RunningAverage } from '../graph/operators/norm.ts'
import { GroupLasso, TieGradient } from '../graph/operators/update.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { activeGradients } from '../optim/gsm.ts'
import { appendSgd } from '../optim/sgd.ts'
import { bankOf, type Tying } from '../sparsity/tied.ts'

/** What a graph needs to know of a data set: all but the samples. */
export type DataShape = Pick<Dataset, 'image' | 'mean' | 'std'> & Record<'train' | 'test', { count: number }>

export interface TrainingStep {
  /**
   * Reading a batch, the model, the loss, the gradients, the optimizer. Outputs `loss` (mean) and `correct`.
   */
  graph: Graph
  /** The part up to the loss, of which `graph` is an extension. */
  forward: Graph
}

/** State tensors of a prunable parameter. */
export const maskName = (parameter: string): string => `${parameter}.mask`
export const scoreName = (parameter: string): string => `${parameter}.scores`
export const smoothedName = (parameter: string): string => `${parameter}.smoothed`
export const orderName = (parameter: string): string => `${parameter}.order`

export interface StepOptions {
  augment?: Augmentation
  /** Names of the parameters that have masks. Default: the weights of all layers. */
  chosen?: readonly string[]
  /** How many of those weights get their gradient (src/optim/gsm.ts). Default: all. */
  active?: number
  /** How those weights are tied. Default: not at all. */
  tying?: Tying
  /**
   * Share beta of the average that stays at a step, where dense gradients of those weights are smoothed: m =
   * beta m + (1 - beta) g. Default: they are not.
   */
  smoothing?: number
  /**
   * Coefficient of the penalty sum sqrt(sum w^2 + 1e-12) over the kernels of those weights that are
   * convolutions'. Default 0.
   */
  groupLasso?: number
}

/** One optimizer step on `batch` training samples. */
export function trainingStep(
  model: Model,
  data: DataShape,
  batch: number,
  { augment, chosen, active, tying, smoothing, groupLasso: coefficient = 0 }: StepOptions = {},
): TrainingStep {
  const { graph: forward, loss } = forwardPass(model, data, 'train', batch, true, augment)
  const parameters = forward.withRole('parameter')
  const { graph, gradients } = differentiate(forward, loss, parameters)
  const prunable = new Set(choosePrunable(forward, chosen))
  for (const { name, shape } of prunable) graph.state(scoreName(name), shape)
  parameters.forEach((parameter, i) => {
    if (smoothing === undefined || !prunable.has(parameter)) return
    const average = graph.state(smoothedName(parameter.name), parameter.shape)
    graph.apply(RunningAverage, [average, gradients[i]], { rate: 1 - smoothing, factor: 1 })
  })
  if (active !== undefined) {
    const ranked = parameters.flatMap((parameter, i) => (prunable.has(parameter) ? [i] : []))
    const pick = (tensors: readonly Tensor[]) => ranked.map((i) => tensors[i])
    const acting = activeGradients(graph, pick(parameters), pick(gradients), active)
    ranked.forEach((i, k) => {
      gradients[i] = acting[k]
    })
  }
  const changed = parameters.map((parameter, i) => {
    if (!prunable.has(parameter)) return gradients[i]
    const penalized = coefficient > 0 && parameter.shape.length === 4
    const gradient = penalized ? graph.apply(GroupLasso, [gradients[i], parameter], { coefficient })[0] : gradients[i]
    return tying ? tiedGradient(graph, parameter, gradient, tying) : gradient
  })
  appendSgd(graph, parameters, changed, (parameter) =>
    prunable.has(parameter) ? graph.state(maskName(parameter.name), parameter.shape) : undefined,
  )
  return { graph, forward }
}

/** The gradient that all copies of an entry share. */
function tiedGradient(graph: Graph, { name, shape }: Tensor, gradient: Tensor, tying: Tying): Tensor {
  const { units, entries } = bankOf(shape, tying)
  const order = graph.state(orderName(name), [4 * units], { bytes: true })
  return graph.apply(TieGradient, [gradient, order], { entries, mean: tying.rescale === true })[0]
}

/**
 * The gradients of the mean loss of `batch` training samples with respect to every weight of the prunable
 * parameters, also those at zeros and without weight decay: an output of the weight's shape for each, under
 * its name. As in a training step, but nothing is updated.
 */
export function denseGradientGraph(
  model: Model,
  data: DataShape,
  batch: number,
  augment?: Augmentation,
  chosen?: readonly string[],
): Graph {
  const { graph: forward, loss } = forwardPass(model, data, 'train', batch, true, augment)
  const prunable = choosePrunable(forward, chosen)
  const { graph, gradients } = differentiate(forward, loss, prunable)
  const pure = graph.nodes.filter(({ operator }) => !operator.writes?.length)
  graph.nodes.splice(0, graph.nodes.length, ...pure)
  graph.outputs.clear()
  prunable.forEach(({ name }, i) => {
    graph.output(name, gradients[i])
  })
  return graph
}

/** The parameters of a graph with these names, in its order; without names the weights of all layers. */
export const choosePrunable = (graph: Graph, names?: readonly string[]): Tensor[] =>
  names ? graph.withRole('parameter').filter(({ name }) => names.includes(name)) : prunableParameters(graph)

/**
 * Outputs `loss` (mean), `correct` and `logits` of `batch` samples, as the network will be used: without
 * dropout, with running statistics.
 */
export function evaluationGraph(model: Model, data: DataShape, source: 'train' | 'test', batch: number): Graph {
  const { graph, logits } = forwardPass(model, data, source, batch, false)
  graph.output('logits', logits)
  return graph
}

export interface ForwardPass {
  /** Outputs `loss` and `correct`. */
  graph: Graph
  /** Class indices, [N]. */
  labels: Tensor
  logits: Tensor
  /** Of every sample, [N]. */
  losses: Tensor
  /** Their mean. */
  loss: Tensor
}

export function forwardPass(
  model: Model,
  data: DataShape,
  source: 'train' | 'test',
  batch: number,
  training: boolean,
  augment?: Augmentation,
): ForwardPass {
  const graph = new Graph()
  const { image, mean, std } = data
  const crops = augment && { pad: augment.pad, reflect: augment.fill === 'reflect' }
  const place = { name: source, count: data[source].count, image, mean, std, augment: crops }
  const { images, labels } = loadBatch(graph, place, batch)
  const logits = model.build(graph, images, training)
  const losses = sampleCrossEntropy(graph, logits, labels)
  const loss = reduceMean(graph, losses, [0], 0)
  graph.output('loss', loss)
  graph.output('correct', countCorrect(graph, logits, labels))
  return { graph, labels, logits, losses, loss }
}
