/**
 * @file Layers pruned alone, to several sparsities each, in one walk through the network: the products of a
 * layer's inputs, and of OBC the order in which its weights go, serve all of them.
 */
import type { Floats, Machine } from '../../engine/machine.ts'
import { reusingMemory } from '../../engine/machines/reused.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { keptCount } from '../../sparsity/count.ts'
import type { Network } from '../../train/network.ts'
import { chooseImages, type LayerwiseOptions, layersOf, prunedLayer } from './driver.ts'
import { eachGroup } from './each-group.ts'
import { type SequentialMethod, solvers } from './in-sequence.ts'
import { obcTraces, reconstruct, stepsOf } from './obc.ts'
import { type LayerProblem, type LayerSolution, layerProblems } from './problem.ts'
import { LayerWalk } from './walk.ts'

/** A layer, and its weights at a sparsity, computed when they are asked for, until the next layer is. */
export interface LayerLevels {
  name: string
  at(sparsity: number): Floats
}

/**
 * Prunes each layer as the method does where that layer alone is pruned, exactly, and leaves the network as
 * it is. What looks at the network between two layers must leave it with the weights that it had. Throws
 * UserError where weights or inputs are not finite.
 */
export function* layerLevels(
  network: Network,
  method: 'obc' | SequentialMethod,
  options: Omit<LayerwiseOptions, 'progress'>,
): Generator<LayerLevels> {
  const { samples = 1024, damp = 0.01, seed = 0 } = options
  const machine = reusingMemory(network.machine)
  const layers = layersOf(network, options)
  const names = layers.map(({ name }) => name)
  const walk = new LayerWalk(network, names, chooseImages(network, samples, seed))
  try {
    for (const { name, shape } of layers) {
      const { layer, grams } = walk.products(name)
      const values = network.values(name).slice()
      const problems = layerProblems(machine, layer, values, grams, damp)
      const solve = solverOf(method, problems, machine)
      const at = (sparsity: number) =>
        prunedLayer(machine, layer, values, problems, solve(keptCount(sizeOf(shape), sparsity))).weights
      yield { name, at }
    }
  } finally {
    walk.close()
  }
}

/** Solves a layer for any number of weights that are kept. */
function solverOf(
  method: 'obc' | SequentialMethod,
  problems: readonly LayerProblem[],
  machine: Machine,
): (keep: number) => LayerSolution[] {
  if (method !== 'obc')
    return (keep) => eachGroup(problems, keep, (problem, target) => solvers[method](problem, target, machine))
  const traces = problems.map((problem) => obcTraces(problem, machine))
  const traced = problems.map((problem, i) => ({ ...problem, ...traces[i] }))
  return (keep) => {
    const counts = stepsOf(traced, keep)
    return problems.map((problem, i) => reconstruct(problem, traces[i].order, counts[i], machine))
  }
}
