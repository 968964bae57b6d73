/**
 * @file Pruning a trained network layer by layer, with OBC (ExactOBS): weights go, and those that stay change
 * so that the outputs of every layer on some training images change least. Labels, gradients and training are
 * not needed. What it shares with the methods of `in-sequence.ts` is here, too.
 */
import type { Samples } from '../../data/dataset.ts'
import type { Floats, Machine } from '../../engine/machine.ts'
import { reusingMemory } from '../../engine/machines/reused.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { checkSparsity, countNonzeros } from '../../sparsity/count.ts'
import { findScope, type Layer, type Scope, type ScopeName } from '../../sparsity/scope.ts'
import type { Network } from '../../train/network.ts'
import { checkWhole } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { random } from '../../util/random.ts'
import { suggestion } from '../../util/suggest.ts'
import { type PruneResult, prunedResult, type Reconstruction } from '../masks.ts'
import { fromMatrix, type LayerMatrix } from './layer.ts'
import { obcTraces, reconstruct, stepsOf } from './obc.ts'
import { joined, type LayerProblem, type LayerSolution, layerProblems, leftOf, reconstructionOf } from './problem.ts'
import { Shelf } from './shelf.ts'
import { LayerWalk } from './walk.ts'

export interface LayerwiseOptions {
  /** Names of the tensors to prune. Default: all that are prunable. */
  layers?: readonly string[]
  /** Training images that inputs of layers are taken from, or all where there are fewer. Default 1024. */
  samples?: number
  /** What is added to the diagonal of H = 2 X X', in units of its mean. Default 0.01. */
  damp?: number
  /** Seed of the choice of images. Default 0. */
  seed?: number
  /** Called after each layer: so many of `total` are done. */
  progress?(layer: string, done: number, total: number): void
}

export interface ObcOptions extends LayerwiseOptions {
  /** Share of zeros among the weights of these layers, 0 to 1. */
  sparsity: number
  /**
   * Which weights compete. Default `global`: by what they add to the relative error of their layer's outputs.
   */
  scope?: ScopeName | Scope
}

export interface LayerwiseResult extends PruneResult {
  reconstructions: Reconstruction[]
}

/** What a layer has become. */
export interface PrunedLayer {
  name: string
  /** In the order of its tensor. */
  weights: Floats
  mask: Uint8Array
  reconstruction: Reconstruction
}

/**
 * Prunes with ExactOBS: exactly n - round(sparsity n) weights of each group of the scope are kept, fewer only
 * where more had been removed or are dead. Inputs are those of the network before. Throws UserError, and
 * changes nothing, where weights or inputs are not finite.
 */
export function pruneObc(network: Network, options: ObcOptions): LayerwiseResult {
  const { sparsity, scope = 'global', samples = 1024, damp = 0.01, seed = 0, progress } = options
  checkSparsity(sparsity)
  checkWhole('seed', seed, 0)
  findScope(scope)
  const names = layersOf(network, options).map(({ name }) => name)
  const machine = reusingMemory(network.machine)
  const walk = new LayerWalk(network, names, chooseImages(network, samples, seed))
  const hessians = new Shelf<Float64Array>(HESSIANS)
  try {
    const traced = names.map((name, i) => {
      const { layer, grams } = walk.products(name)
      const problems = layerProblems(machine, layer, network.values(name), grams, damp)
      const traces = problems.map((problem) => obcTraces(problem, machine))
      const kept = problems.map(({ hessian, ...rest }, group) => {
        hessians.put(`${name} ${group}`, hessian.slice())
        return rest
      })
      progress?.(name, i + 1, names.length)
      return { layer, problems: kept, traces }
    })
    walk.close()
    const layers = traced.map(({ layer: { name, shape }, problems }) => ({ name, shape, left: leftOf(problems) }))
    const pruned = new Map<string, PrunedLayer>()
    for (const group of findScope(scope).groups(layers, sparsity)) {
      const members = traced.filter(({ layer }) => group.layers.some(({ name }) => name === layer.name))
      const parts = members.flatMap(({ problems, traces }) =>
        problems.map((problem, i) => ({ ...problem, ...traces[i] })),
      )
      const counts = stepsOf(parts, group.keep)
      for (const { layer, problems, traces } of members) {
        const whole = problems.map((problem, i) => ({ ...problem, hessian: hessians.get(`${layer.name} ${i}`) }))
        const solved = whole.map((problem, i) => reconstruct(problem, traces[i].order, counts.shift()!, machine))
        pruned.set(layer.name, prunedLayer(machine, layer, network.values(layer.name), whole, solved))
      }
    }
    return apply(
      network,
      names.map((name) => pruned.get(name)!),
    )
  } finally {
    walk.close()
    hessians.clear()
  }
}

/** Bytes of Hessians that wait in memory until all layers are traced; files hold what is more. */
const HESSIANS = 2 ** 29

/** The chosen layers, in order, with how many of their weights are not zero. */
export function layersOf(network: Network, { layers }: LayerwiseOptions): Layer[] {
  const known = network.prunable.map(({ name }) => name)
  const unknown = layers?.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new UserError(`${network.model.name} has no prunable tensor ${unknown}${suggestion(unknown, known)}`)
  return network.prunable
    .filter(({ name }) => layers?.includes(name) ?? true)
    .map(({ name, shape }) => ({ name, shape, left: countNonzeros(network.values(name)) }))
}

/** So many training images, or all where there are fewer, drawn by the seed: [count, C, H, W]. */
export function chooseImages(
  { data, indices }: Pick<Network, 'data' | 'indices'>,
  samples: number,
  seed: number,
): Samples['images'] {
  if (!(Number.isInteger(samples) && samples >= 1))
    throw new UserError(`samples: expected a whole number of at least 1, found ${samples}`)
  const order = random(seed, 'calibration images').permutation(indices.train.length)
  const size = sizeOf(data.image)
  const length = Math.min(samples, order.length) * size
  const images = data.floats ? new Float32Array(length) : new Uint8Array(length)
  for (let at = 0, n = 0; at < images.length; at += size, n++) {
    const from = indices.train[order[n]] * size
    images.set(data.train.images.subarray(from, from + size), at)
  }
  return images
}

/** What was made of the problems of a layer, as a network holds it that has `values` for its weight. */
export function prunedLayer(
  machine: Machine,
  matrix: LayerMatrix,
  values: Floats,
  problems: readonly LayerProblem[],
  solved: readonly LayerSolution[],
): PrunedLayer {
  const { name } = matrix
  const weights = values.slice()
  weights.set(fromMatrix(matrix, joined(solved, 'weights')))
  return {
    name,
    weights,
    mask: Uint8Array.from(fromMatrix(matrix, joined(solved, 'mask'))),
    reconstruction: reconstructionOf(machine, name, problems, solved),
  }
}

/** Writes weights and masks into the network. */
export function apply(network: Network, pruned: readonly PrunedLayer[]): LayerwiseResult {
  for (const { name, weights, mask } of pruned) {
    network.mask(name).set(mask)
    network.values(name).set(weights)
  }
  network.applyMasks()
  return { ...prunedResult(network), reconstructions: pruned.map(({ reconstruction }) => reconstruction) }
}
