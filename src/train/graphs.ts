/**
 * @file Builds the graphs of a network: one training step, its dense gradients, and the evaluation of a
 * batch.
 */
import type { Augmentation } from '../data/augment.ts'
import type { SampleSet } from '../data/dataset.ts'
import { differentiate } from '../graph/differentiate.ts'
import { Graph, prunableParameters } from '../graph/graph.ts'
import { loadLabels, loadSamples } from '../graph/operators/batch.ts'
import { add } from '../graph/operators/elementwise.ts'
import { countCorrect, sampleCrossEntropy } from '../graph/operators/loss.ts'
import { reduceMean } from '../graph/operators/mean.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { appendSgd } from '../optim/sgd.ts'
import { CROPS } from './crop-reader.ts'
import { distances, judgesByDistance, projections } from './distance.ts'
import type { GradientRule } from './rules.ts'

/** What a graph needs to know of a data set: everything but the samples. */
export type DataShape = Pick<SampleSet, 'image' | 'mean' | 'std' | 'classes' | 'floats'> &
  Record<'train' | 'test', { count: number }> & {
    /** The batch that training steps read in the place of the training set: random resized crops. */
    crops?: { count: number }
  }

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

export interface StepOptions {
  augment?: Augmentation
  /** The names of the parameters that have masks. Default: the weights of all layers. */
  chosen?: readonly string[]
  /** What is done to the gradients of those weights, in this order. Default: nothing. */
  rules?: readonly GradientRule[]
}

/** Builds one optimizer step on `batch` training samples. */
export function trainingStep(
  model: Model,
  data: DataShape,
  batch: number,
  { augment, chosen, rules = [] }: StepOptions = {},
): TrainingStep {
  const { graph: forward, loss } = forwardPass(model, data, 'train', batch, true, augment)
  const parameters = forward.withRole('parameter')
  const { graph, gradients } = differentiate(forward, loss, parameters)
  const prunable = choosePrunable(forward, chosen)
  for (const { name, shape } of prunable) graph.state(scoreName(name), shape, { beside: name })
  const places = prunable.map((parameter) => parameters.indexOf(parameter))
  for (const rule of rules) {
    const before = places.map((i) => gradients[i])
    const after = rule.apply(graph, prunable, before)
    places.forEach((i, k) => {
      gradients[i] = after[k]
    })
  }
  const masked = new Set(prunable)
  const maskOf = (parameter: Tensor) => {
    const beside = parameter.name
    const options = { saved: 'bits', beside } as const
    return masked.has(parameter) ? graph.state(maskName(beside), parameter.shape, options) : undefined
  }
  appendSgd(graph, parameters, gradients, maskOf, rules.find(({ step }) => step !== undefined)?.step)
  return { graph, forward }
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
 * running statistics. Its outputs are `loss` (the mean), `logits`, and `correct` (a count), or where
 * distances judge the mean of each output's under {@link distanceName}.
 */
export function evaluationGraph(model: Model, data: DataShape, source: 'train' | 'test', batch: number): Graph {
  const { graph, logits, parts = [] } = forwardPass(model, data, source, batch, false)
  graph.output('logits', logits)
  for (const [k, part] of parts.entries()) graph.output(distanceName(k), reduceMean(graph, part, [0], 0))
  return graph
}

/** What the mean distance of the k-th output is called. */
export const distanceName = (k: number): string => `distance ${k}`

/** Adds masks and scores of the prunable weights to a graph without training. */
export function addMasks(graph: Graph, chosen?: readonly string[]): void {
  for (const { name, shape } of choosePrunable(graph, chosen)) {
    graph.state(scoreName(name), shape, { beside: name })
    graph.state(maskName(name), shape, { saved: 'bits', beside: name })
  }
}

export interface ForwardPass {
  /** The graph, with outputs `loss` and, where there are labels, `correct`. */
  graph: Graph
  /** The class indices, [N]. Absent: distances from the dense network's results are the losses. */
  labels?: Tensor
  /** These distances by output, [N] each. */
  parts?: Tensor[]
  logits: Tensor
  /** The loss of every sample, [N]. */
  losses: Tensor
  /** The mean of the losses. */
  loss: Tensor
  /**
   * Appends the losses whose gradients stand for single samples, [N]: the same, or where distances are the
   * losses those with a random projection of the results (see ./distance.ts).
   */
  sampled(): Tensor
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
  const { image, mean, std, crops } = data
  const inCrops = augment?.resizedCrop && crops
  const changes = augment && !inCrops ? { pad: augment.pad, reflect: augment.fill === 'reflect' } : undefined
  const { name, count } = inCrops ? { name: CROPS, count: crops.count } : { name: source, count: data[source].count }
  const place = { name, count, image, mean, std, floats: data.floats, augment: changes }
  const { images, index } = loadSamples(graph, place, batch)
  if (judgesByDistance(model, data)) {
    const logits = model.build(graph, images, training)
    const { losses, parts } = distances(graph, model, place, index, logits)
    const loss = reduceMean(graph, losses, [0], 0)
    graph.output('loss', loss)
    const sampled = () => add(graph, losses, projections(graph, place, index, logits))
    return { graph, logits, losses, parts, loss, sampled }
  }
  const labels = loadLabels(graph, place, index)
  const logits = model.build(graph, images, training)
  const losses = sampleCrossEntropy(graph, logits, labels)
  const loss = reduceMean(graph, losses, [0], 0)
  graph.output('loss', loss)
  graph.output('correct', countCorrect(graph, logits, labels))
  return { graph, labels, logits, losses, loss, sampled: () => losses }
}
