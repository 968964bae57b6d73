/**
 * @file Whether the gradients of single samples are known of a network, as empirical Fisher methods need
 * them.
 */
import { Graph } from '../graph/graph.ts'
import { ShapeError } from '../graph/operator.ts'
import { reduceSum } from '../graph/operators/shape.ts'
import { perSampleGradients } from '../graph/per-sample.ts'
import type { Model } from '../models/model.ts'

/**
 * Why they are not known: some operator joins samples, so that what each contributes cannot be told apart.
 * Undefined where they are known of all parameters.
 */
export function lacksSampleGradients(model: Model): string | undefined {
  if (!found.has(model)) found.set(model, find(model))
  return found.get(model)
}

/** Plans ask several times, and the graph of a large network takes a while. */
const found = new WeakMap<Model, string | undefined>()

function find(model: Model): string | undefined {
  // The gradient of a batch of one is that of its sample.
  if (model.oneByOne) return undefined
  const graph = new Graph()
  const scores = model.build(graph, graph.input('images', [2, ...model.image]), false)
  try {
    perSampleGradients(graph, reduceSum(graph, scores, [1], 0), graph.withRole('parameter'))
    return undefined
  } catch (error) {
    if (error instanceof ShapeError || (error as Error).message.startsWith('per-sample gradients'))
      return (error as Error).message
    throw error
  }
}
