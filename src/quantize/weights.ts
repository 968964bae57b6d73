/**
 * @file The weights of a network as whole numbers, layer by layer from the first to the last: each layer is
 * rounded on the inputs that it gets from those before it, which are rounded by then.
 */
import type { Floats, Machine } from '../engine/machine.ts'
import { reusingMemory } from '../engine/machines/reused.ts'
import { chooseImages } from '../methods/layerwise/driver.ts'
import { fromMatrix, type LayerMatrix, layerMatrix, toMatrix } from '../methods/layerwise/layer.ts'
import { type LayerProblem, layerProblems, outputError } from '../methods/layerwise/problem.ts'
import { LayerWalk } from '../methods/layerwise/walk.ts'
import { graphOf } from '../models/model.ts'
import type { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'
import { gptq, roundToNearest } from './gptq.ts'
import { type GridOptions, WeightGrid } from './grid.ts'

export const roundings = ['gptq', 'nearest'] as const
export type Rounding = (typeof roundings)[number]

export interface WeightOptions extends GridOptions {
  /** Default `gptq`. */
  rounding?: Rounding
  /** Training samples that inputs of layers are taken from, or all where there are fewer. Default 1024. */
  samples?: number
  /** What is added to the diagonal of H = 2 X X', in units of its mean. Default 0.01. */
  damp?: number
  /** Seed of the choice of samples. Default 0. */
  seed?: number
  /** Called after each layer: so many of `total` are done. */
  progress?(layer: string, done: number, total: number): void
}

/** A layer whose weights are codes. */
export interface QuantizedLayer {
  name: string
  matrix: LayerMatrix
  /** By group of a convolution, one behind the other: the grids of the rows. */
  grids: WeightGrid[]
  /** In the order of the tensor. */
  codes: Int8Array
  /** What they stand for, in the order of the tensor. */
  values: Float32Array
  /** By GPTQ |(W - Q) X|^2 / |W X|^2 on the samples, else |W - Q|^2 / |W|^2. */
  error: number
}

/**
 * Rounds tensors to grids, by name in the order in which the network has them; the network is left as it
 * was. Throws UserError where weights or inputs are not finite.
 */
export function quantizeWeights(
  network: Network,
  grids: ReadonlyMap<string, GridOptions>,
  options: Omit<WeightOptions, keyof GridOptions> = {},
): QuantizedLayer[] {
  const { rounding = 'gptq', samples = 1024, damp = 0.01, seed = 0, progress } = options
  const names = [...grids.keys()]
  if (rounding === 'nearest') {
    const matrices = new Map(
      graphOf(network.model).nodes.flatMap((node) => {
        const matrix = node.operator.weight === undefined ? undefined : layerMatrix(node)
        return matrix ? [[matrix.name, matrix] as const] : []
      }),
    )
    return [...grids].map(([name, grid]) => roundedLayer(network, matrices.get(name)!, grid))
  }
  const { model, data, stored } = network
  const machine = reusingMemory(network.machine)
  const done = new Map<string, QuantizedLayer>()
  const values = (name: string) => done.get(name)?.values ?? network.values(name)
  const seen = { machine: network.machine, model, data, stored, values }
  const walk = new LayerWalk(seen, names, chooseImages(network, samples, seed))
  try {
    names.forEach((name, i) => {
      const { layer, grams } = walk.products(name)
      const problems = layerProblems(machine, layer, network.values(name), grams, damp)
      keepDead(layer, network.values(name), problems)
      done.set(name, sweptLayer(machine, layer, problems, grids.get(name)!))
      progress?.(name, i + 1, names.length)
    })
  } finally {
    walk.close()
  }
  return [...done.values()]
}

/** Weights of inputs that were zero in all samples are rounded like others, where pruning takes them away. */
function keepDead(layer: LayerMatrix, values: Floats, problems: readonly LayerProblem[]): void {
  const matrix = toMatrix(layer, values)
  problems.forEach(({ rows, columns, weights, dead = [] }, group) => {
    for (const column of dead)
      for (let row = 0; row < rows; row++)
        weights[row * columns + column] = matrix[(group * rows + row) * columns + column]
  })
}

/** A layer whose weights are rounded each by itself, whatever goes into it. */
function roundedLayer(network: Network, matrix: LayerMatrix, grid: GridOptions): QuantizedLayer {
  const weights = toMatrix(matrix, network.values(matrix.name))
  if (!weights.every(Number.isFinite))
    throw new UserError(`${matrix.name} has weights that are not finite: nothing was changed`)
  const { columns, groups } = matrix
  const [size, rows] = [weights.length / groups, matrix.rows / groups]
  const solved = Array.from({ length: groups }, (_, group) => {
    const part = { rows, columns, weights: weights.subarray(group * size, (group + 1) * size) }
    const own = new WeightGrid(part, grid)
    return valued(own, roundToNearest(part, own))
  })
  const squares = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x * x, 0)
  const values = Float64Array.from(solved.flatMap((one) => Array.from(one.values)))
  const change = squares(weights.map((w, i) => w - values[i]))
  return { ...joined(matrix, solved), error: change / (squares(weights) || 1) }
}

/** By GPTQ. */
function sweptLayer(
  machine: Machine,
  matrix: LayerMatrix,
  problems: readonly LayerProblem[],
  grid: GridOptions,
): QuantizedLayer {
  const { columns } = matrix
  const solved = problems.map((problem) => {
    const importance = Float64Array.from({ length: columns }, (_, i) => problem.hessian[i * (columns + 1)])
    const own = new WeightGrid(problem, grid, importance)
    const found = valued(own, gptq(problem, own, machine))
    return { ...found, error: outputError(machine, problem, found.values) }
  })
  const error = solved.reduce((sum, one) => sum + one.error, 0) / problems[0].unit!
  return { ...joined(matrix, solved), error }
}

/** Codes [rows][columns] of a group of a layer, and what they stand for. */
interface Coded {
  grid: WeightGrid
  codes: Int8Array
  values: Float64Array
}

function valued(grid: WeightGrid, codes: Int8Array): Coded {
  const { columns } = grid
  const values = Float64Array.from(codes, (code, at) => grid.value(Math.floor(at / columns), at % columns, code))
  return { grid, codes, values }
}

function joined(matrix: LayerMatrix, coded: readonly Coded[]): Omit<QuantizedLayer, 'error'> {
  const all = (part: 'codes' | 'values') =>
    fromMatrix(matrix, Float64Array.from(coded.flatMap((one) => Array.from(one[part]))))
  return {
    name: matrix.name,
    matrix,
    grids: coded.map(({ grid }) => grid),
    codes: Int8Array.from(all('codes')),
    values: Float32Array.from(all('values')),
  }
}
