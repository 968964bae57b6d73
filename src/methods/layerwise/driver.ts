/**
 * @file Pruning a trained network layer by layer, with OBC (ExactOBS): weights go, and those that stay change
 * so that the outputs of every layer on some training images change least. Labels, gradients and training are
 * not needed. What it shares with the methods of `in-sequence.ts` is here, too.
 */
import type { Samples } from '../../data/dataset.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { checkSparsity } from '../../sparsity/count.ts'
import { findScope, type Layer, type Scope, type ScopeName } from '../../sparsity/scope.ts'
import type { Network } from '../../train/network.ts'
import { checkWhole } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { random } from '../../util/random.ts'
import { suggestion } from '../../util/suggest.ts'
import { type PruneResult, prunedResult, type Reconstruction } from '../masks.ts'
import { calibrate } from './calibration.ts'
import { fromMatrix, type LayerMatrix } from './layer.ts'
import { obc } from './obc.ts'
import { joined, type LayerProblem, type LayerSolution, layerProblems, leftOf, reconstructionOf } from './problem.ts'

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

/** A layer before it is pruned, one problem per group. */
export interface Prepared {
  matrix: LayerMatrix
  problems: LayerProblem[]
}

/**
 * Prunes with ExactOBS: exactly n - round(sparsity n) weights of each group of the scope are kept, fewer only
 * where more had been removed or are dead. Inputs are those of the network before. Throws UserError, and
 * changes nothing, where weights or inputs are not finite.
 */
export function pruneObc(network: Network, options: ObcOptions): LayerwiseResult {
  const { sparsity, scope = 'global', progress } = options
  checkSparsity(sparsity)
  checkWhole('seed', options.seed, 0)
  findScope(scope)
  const names = layersOf(network, options).map(({ name }) => name)
  const prepared = prepare(network, names, options)
  const layers = prepared.map(({ matrix: { name, shape }, problems }) => ({ name, shape, left: leftOf(problems) }))
  const solutions = new Map<string, LayerSolution[]>()
  let done = 0
  for (const group of findScope(scope).groups(layers, sparsity)) {
    const members = prepared.filter(({ matrix }) => group.layers.some(({ name }) => name === matrix.name))
    const problems = members.flatMap((member) => member.problems)
    const solved = obc(problems, group.keep, (i) => {
      if (problems[i].name !== problems[i + 1]?.name) progress?.(problems[i].name, ++done, names.length)
    })
    for (const { matrix, problems } of members) solutions.set(matrix.name, solved.splice(0, problems.length))
  }
  return apply(network, prepared, solutions)
}

/** The chosen layers, in order, with how many of their weights are not zero. */
export function layersOf(network: Network, { layers }: LayerwiseOptions): Layer[] {
  const known = network.prunable.map(({ name }) => name)
  const unknown = layers?.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new UserError(`${network.model.name} has no prunable tensor ${unknown}${suggestion(unknown, known)}`)
  return network.prunable
    .filter(({ name }) => layers?.includes(name) ?? true)
    .map(({ name, shape }) => ({ name, shape, left: network.values(name).filter((w: number) => w !== 0).length }))
}

/** The problems of some layers of a network, over images chosen by the options. */
export function prepare(
  network: Pick<Network, 'machine' | 'model' | 'data' | 'indices' | 'stored' | 'values'>,
  names: readonly string[],
  { samples = 1024, damp = 0.01, seed = 0 }: LayerwiseOptions,
): Prepared[] {
  return calibrate(network, names, chooseImages(network, samples, seed)).map(({ layer, grams }) => ({
    matrix: layer,
    problems: layerProblems(layer, network.values(layer.name), grams, damp),
  }))
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

/** Writes the solutions into the network's weights and masks. */
export function apply(
  network: Network,
  prepared: readonly Prepared[],
  solutions: ReadonlyMap<string, readonly LayerSolution[]>,
): LayerwiseResult {
  const reconstructions = prepared.map(({ matrix, problems }): Reconstruction => {
    const { name } = matrix
    const solved = solutions.get(name)!
    network.mask(name).set(fromMatrix(matrix, joined(solved, 'mask')))
    network.values(name).set(fromMatrix(matrix, joined(solved, 'weights')))
    return reconstructionOf(name, problems, solved)
  })
  network.applyMasks()
  return { ...prunedResult(network), reconstructions }
}
