/**
 * @file The layer-wise problem: for weights W and inputs X (a column per sample and position) new weights V,
 * fewer of them nonzero, that minimize |W X - V X|^2. All that a solver needs to know of X is H = 2 X X',
 * which the rows of W share.
 */
import type { Floats, Machine } from '../../engine/machine.ts'
import { quadraticForm } from '../../linear/quadratic.ts'
import { dot } from '../../linear/vector.ts'
import type { Matrix } from '../../linear/workspace.ts'
import { countNonzeros } from '../../sparsity/count.ts'
import { UserError } from '../../util/errors.ts'
import type { Reconstruction } from '../masks.ts'
import { type LayerMatrix, toMatrix } from './layer.ts'

/** The rows of a layer that share their inputs: all of them, or a group of a convolution. */
export interface LayerProblem {
  /** For messages. */
  name: string
  rows: number
  columns: number
  /** W, [rows][columns]. A weight that is zero has been pruned before and stays so. */
  weights: Float64Array
  /** H with damping, [columns][columns], symmetric and positive definite. */
  hessian: Float64Array
  /** What was added to the diagonal of H, where the input is not dead. Default 0. */
  damping?: number
  /**
   * Where weights of several problems compete: what errors are measured in, |W X|^2 of the whole layer.
   * Default 1.
   */
  unit?: number
  /** Inputs that are always zero. Default none. */
  dead?: readonly number[]
}

/** What a solver makes of a problem. */
export interface LayerSolution {
  /** V, [rows][columns], zero where the mask is. */
  weights: Float64Array
  /** [rows][columns], ones and zeros. */
  mask: Float64Array
}

/**
 * The problems of a layer, one per group: H = 2 X X' + damp mean(diagonal of 2 X X') I. An input that is
 * always zero has a zero on the diagonal, which becomes 1; the weights of its column become 0. `grams`: 2 X
 * X' per group, [columns][columns], overwritten by H. Throws UserError where a weight or an input is not
 * finite.
 */
export function layerProblems(
  machine: Machine,
  layer: LayerMatrix,
  values: Floats,
  grams: readonly Float64Array[],
  damp: number,
): LayerProblem[] {
  if (!(damp >= 0 && damp < Infinity)) throw new UserError(`damp: expected a number of at least 0, found ${damp}`)
  const { name, columns, groups } = layer
  const weights = toMatrix(layer, values)
  if (!finite(weights)) throw new UserError(`${name} has weights that are not finite: nothing was changed`)
  if (!grams.every(finite)) throw new UserError(`${name} has inputs that are not finite: nothing was changed`)
  const size = weights.length / groups
  const problems = grams.map((hessian, group) => {
    const problem = {
      name,
      rows: size / columns,
      columns,
      weights: weights.subarray(group * size, (group + 1) * size),
      hessian,
    }
    return { ...problem, ...dampen(problem, damp) }
  })
  const unit = problems.reduce((sum, problem) => sum + outputError(machine, problem), 0) || 1
  return problems.map((problem) => ({ ...problem, unit }))
}

/** x - x is 0 but for what is not finite. */
function finite(values: Float64Array): boolean {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] - values[i]
  return sum === 0
}

function dampen({ rows, columns, weights, hessian }: LayerProblem, damp: number) {
  let trace = 0
  for (let i = 0; i < columns; i++) trace += hessian[i * columns + i]
  const damping = (damp * trace) / columns
  const dead: number[] = []
  for (let i = 0; i < columns; i++) {
    const at = i * columns + i
    if (hessian[at] !== 0) hessian[at] += damping
    else {
      dead.push(i)
      hessian[at] = 1
      for (let row = 0; row < rows; row++) weights[row * columns + i] = 0
    }
  }
  return { damping, dead }
}

/** A factor or inverse of a problem's H. Throws UserError where it is not positive definite. */
export function factored({ name, hessian, columns }: LayerProblem, factor: Factor): Matrix {
  try {
    return factor(hessian, columns)
  } catch (error) {
    throw new UserError(`${name}: ${(error as Error).message}; nothing was changed, a larger damp may help`)
  }
}

/** Makes something of a symmetric positive definite matrix [n][n], or throws where it is none. */
type Factor = (matrix: Float64Array, n: number) => Matrix

/** |(W - V) X|^2 of new weights V, [rows][columns]; default zeros: |W X|^2. */
export function outputError(machine: Machine, problem: LayerProblem, v?: Float64Array): number {
  const { columns, weights, hessian, damping = 0 } = problem
  const change = v ? weights.map((w, i) => w - v[i]) : weights
  return (quadraticForm(machine, hessian, columns, change) - damping * dot(change, change)) / 2
}

/** How many weights are not zero. */
export const leftOf = (problems: readonly Pick<LayerProblem, 'weights'>[]): number =>
  problems.reduce((sum, { weights }) => sum + countNonzeros(weights), 0)

/** The solutions of a layer's groups as one matrix. */
export function joined(solved: readonly LayerSolution[], part: keyof LayerSolution): Float64Array {
  const size = solved[0][part].length
  const matrix = new Float64Array(solved.length * size)
  solved.forEach((solution, group) => {
    matrix.set(solution[part], group * size)
  })
  return matrix
}

/** How far the outputs of a layer moved, of its problems and what was made of each. */
export function reconstructionOf(
  machine: Machine,
  name: string,
  problems: readonly LayerProblem[],
  solved: readonly LayerSolution[],
): Reconstruction {
  const error = problems.reduce((sum, problem, i) => sum + outputError(machine, problem, solved[i].weights), 0)
  return { name, error: error / problems[0].unit!, dead: problems.reduce((sum, { dead }) => sum + dead!.length, 0) }
}
