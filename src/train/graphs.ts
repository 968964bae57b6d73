/**
 * @file Builds the graphs of a network: one training step, its dense gradients, and the evaluation of a
 * batch.
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

/** What a graph needs to know of a data set: everything but the samples. */
export type DataShape = Pick<Dataset, 'image' | 'mean' | 'std'> & Record<'train' | 'test', { count: number }>

export interface TrainingStep {
  /**
   * Reads a batch and applies the model, the loss, the gradients and the optimizer. Its outputs are `loss`,
   * the mean, and `correct`, a count.
   */
  graph: Graph
  /** The part up to the loss, of which `graph` is an extension. */
  forward: Graph
}

/** The names of the state tensors of a prunable parameter. */
export const maskName = (parameter: string): string => `${parameter}.mask`
export const scoreName = (parameter: string): string => `${parameter}.scores`
export const smoothedName = (parameter: string): string => `${parameter}.smoothed`
export const orderName = (parameter: string): string => `${parameter}.order`

export interface StepOptions {
  augment?: Augmentation
  /** The names of the parameters that have masks. Default: the weights of all layers. */
  chosen?: readonly string[]
  /** How many of those weights get their gradient (src/optim/gsm.ts). Default: all. */
  active?: number
  /** How those weights are tied. Default: not at all. */
  tying?: Tying
  /**
   * The share beta of the average that stays at a step, where the dense gradients of those weights are
   * smoothed: m = beta m + (1 - beta) g. Default: they are not.
   */
  smoothing?: number
  /**
   * The coefficient of the penalty sum sqrt(sum w^2 + 1e-12), taken over the kernels of those weights that
   * belong to convolutions. Default 0.
   */
  groupLasso?: number
}

/** Builds one optimizer step on `batch` training samples. */
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
 * Builds the gradients of the mean loss of `batch` training samples with respect to every weight of the
 * prunable parameters, also those at zeros, without weight decay. Each parameter has an output of its shape
 * and name. They are those of a training step, but nothing is updated.
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

/** The parameters with these names, in the order of the graph; without names, the weights of all layers. */
export const choosePrunable = (graph: Graph, names?: readonly string[]): Tensor[] =>
  names ? graph.withRole('parameter').filter(({ name }) => names.includes(name)) : prunableParameters(graph)

/**
 * Builds the evaluation of `batch` samples with the network as it will be used, without dropout and with
 * running statistics. Its outputs are `loss` (the mean), `correct` (a count) and `logits`.
 */
export function evaluationGraph(model: Model, data: DataShape, source: 'train' | 'test', batch: number): Graph {
  const { graph, logits } = forwardPass(model, data, source, batch, false)
  graph.output('logits', logits)
  return graph
}

export interface ForwardPass {
  /** The graph, with outputs `loss` and `correct`. */
  graph: Graph
  /** The class indices, [N]. */
  labels: Tensor
  logits: Tensor
  /** The loss of every sample, [N]. */
  losses: Tensor
  /** The mean of the losses. */
  loss: Tensor
}

/**
 * Builds the forward pass over `batch` samples of a part of the data set. With `training`, batch
 * normalization uses the statistics of the batch and dropout is on.
 */
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
