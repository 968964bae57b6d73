/**
 * @file The weights of a network as whole numbers, layer by layer from the first to the last: each layer is
 * rounded on the inputs that it gets from those before it, which are rounded by then.
 */
import type { Floats, Machine } from '../engine/machine.ts'
import { reusingMemory } from '../engine/machines/reused.ts'
import { chooseImages } from '../methods/layerwise/driver.ts'
import { fromMatrix, type LayerMatrix, toMatrix } from '../methods/layerwise/layer.ts'
import { type LayerProblem, layerProblems, outputError } from '../methods/layerwise/problem.ts'
import { LayerWalk } from '../methods/layerwise/walk.ts'
import type { Network } from '../train/network.ts'
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
  /** |(W - Q) X|^2 / |W X|^2 on the samples. */
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
      done.set(name, quantizedLayer(machine, layer, problems, { rounding, grid: grids.get(name)! }))
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

function quantizedLayer(
  machine: Machine,
  matrix: LayerMatrix,
  problems: readonly LayerProblem[],
  { rounding, grid }: { rounding: Rounding; grid: GridOptions },
): QuantizedLayer {
  const { columns } = matrix
  const solved = problems.map((problem) => {
    const importance = Float64Array.from({ length: columns }, (_, i) => problem.hessian[i * (columns + 1)])
    const rows = new WeightGrid(problem, grid, importance)
    const codes = rounding === 'gptq' ? gptq(problem, rows, machine) : roundToNearest(problem, rows)
    const values = Float64Array.from(codes, (code, at) => rows.value(Math.floor(at / columns), at % columns, code))
    return { grid: rows, codes, values, error: outputError(machine, problem, values) }
  })
  const joined = (part: 'codes' | 'values') =>
    fromMatrix(matrix, Float64Array.from(solved.flatMap((one) => Array.from(one[part]))))
  return {
    name: matrix.name,
    matrix,
    grids: solved.map((one) => one.grid),
    codes: Int8Array.from(joined('codes')),
    values: Float32Array.from(joined('values')),
    error: solved.reduce((sum, { error }) => sum + error, 0) / problems[0].unit!,
  }
}
