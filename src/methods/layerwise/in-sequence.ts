/**
 * @file Pruning layer by layer from the first to the last, each on the inputs that it gets from those before
 * it: SparseGPT, Wanda, RIA and ALPS, which differ in what they make of a layer.
 */
import type { Machine } from '../../engine/machine.ts'
import { reusingMemory } from '../../engine/machines/reused.ts'
import type { Pattern } from '../../sparsity/granularity/n-of-m.ts'
import { findScope, type Layer, type Scope } from '../../sparsity/scope.ts'
import type { Network } from '../../train/network.ts'
import { checkName } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { alps } from './alps.ts'
import type { Target } from './choose.ts'
import {
  apply,
  chooseImages,
  type LayerwiseOptions,
  type LayerwiseResult,
  layersOf,
  type PrunedLayer,
  prunedLayer,
} from './driver.ts'
import { eachGroup } from './each-group.ts'
import { type LayerProblem, type LayerSolution, layerProblems } from './problem.ts'
import { ria } from './ria.ts'
import { sparseGpt } from './sparsegpt.ts'
import { LayerWalk } from './walk.ts'
import { wanda } from './wanda.ts'

/** What a method makes of a layer, or of a group of a convolution. */
type Solver = (problem: LayerProblem, target: Target, machine: Machine) => LayerSolution

export const solvers = {
  sparsegpt: (problem, target, machine) => sparseGpt(problem, target, machine),
  wanda,
  ria,
  alps,
} as const satisfies Record<string, Solver>
export type SequentialMethod = keyof typeof solvers

export interface SequentialOptions extends LayerwiseOptions {
  /** Share of zeros among the weights of these layers, 0 to 1. This or a pattern. */
  sparsity?: number
  /**
   * Sparsity of the layers: all the same, Erdős–Rényi-Kernel, or a scope of one's own with a group for each.
   * Default `layerwise`.
   */
  scope?: 'layerwise' | 'erk' | Scope
  /**
   * n nonzeros in every m consecutive inputs of an output (channels x kernel height x kernel width of a
   * convolution).
   */
  pattern?: Pattern
  /**
   * Whether a layer's inputs are those that it gets from the layers pruned before it, else the original ones.
   * Default true.
   */
  sequential?: boolean
}

/**
 * Prunes from the first layer to the last: exactly n - round(sparsity n) weights of each layer are kept,
 * fewer only where more had been removed or are dead; or as many as the pattern allows. Throws UserError, and
 * changes nothing, where weights or inputs are not finite.
 */
export function pruneInSequence(
  network: Network,
  method: SequentialMethod,
  options: SequentialOptions,
): LayerwiseResult {
  const { sequential = true, progress } = options
  checkName('method', method, Object.keys(solvers))
  const layers = layersOf(network, options)
  const { samples = 1024, damp = 0.01, seed = 0 } = options
  const { model, data, stored } = network
  const machine = reusingMemory(network.machine)
  const solve = solverOf(layers, options, (problem, target) => solvers[method](problem, target, machine))
  const pruned = new Map<string, PrunedLayer>()
  const values = (name: string) => (sequential && pruned.get(name)?.weights) || network.values(name)
  const names = layers.map(({ name }) => name)
  const seen = { machine: network.machine, model, data, stored, values }
  const walk = new LayerWalk(seen, names, chooseImages(network, samples, seed))
  try {
    names.forEach((name, i) => {
      const { layer, grams } = walk.products(name)
      const problems = layerProblems(machine, layer, network.values(name), grams, damp)
      const solved = solve(problems)
      pruned.set(name, prunedLayer(machine, layer, network.values(name), problems, solved))
      progress?.(name, i + 1, names.length)
    })
  } finally {
    walk.close()
  }
  return apply(network, [...pruned.values()])
}

/** SparseGPT (Frantar & Alistarh 2023) as {@link pruneInSequence}. */
export const pruneSparseGpt = (network: Network, options: SequentialOptions): LayerwiseResult =>
  pruneInSequence(network, 'sparsegpt', options)

function solverOf(
  layers: readonly Layer[],
  { sparsity, scope = 'layerwise', pattern }: SequentialOptions,
  solve: (problem: LayerProblem, target: Target) => LayerSolution,
): (problems: readonly LayerProblem[]) => LayerSolution[] {
  if ((sparsity === undefined) === (pattern === undefined))
    throw new UserError('expected either a sparsity or a pattern of nonzeros')
  if (pattern) {
    const { n, m } = pattern
    if (!(Number.isInteger(n) && Number.isInteger(m) && 1 <= n && n <= m))
      throw new UserError(`pattern: expected whole numbers 1 <= n <= m, found ${n}:${m}`)
    return (problems) => problems.map((problem) => solve(problem, { pattern }))
  }
  if (typeof scope === 'string') checkName('scope', scope, ['layerwise', 'erk'])
  const groups = findScope(scope).groups(layers, sparsity!)
  const keeps = new Map(groups.map(({ layers: [{ name }], keep }) => [name, keep]))
  return (problems) => eachGroup(problems, keeps.get(problems[0].name)!, solve)
}
