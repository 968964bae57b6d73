/**
 * @file The layer-wise problem: for weights W and inputs X (a column per sample and position) new weights V,
 * fewer of them nonzero, that minimize |W X - V X|^2. All that a solver needs to know of X is H = 2 X X',
 * which the rows of W share.
 */
import type { Floats } from '../../engine/machine.ts'
import type { inverse } from '../../linear/small.ts'
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
  layer: LayerMatrix,
  values: Floats,
  grams: readonly Float64Array[],
  damp: number,
): LayerProblem[] {
  if (!(damp >= 0 && damp < Infinity)) throw new UserError(`damp: expected a number of at least 0, found ${damp}`)
  const { name, columns, groups } = layer
  const finite = (values: Float64Array) => values.every(Number.isFinite)
  const weights = toMatrix(layer, values)
  if (!finite(weights)) throw new UserError(`${name} has weights that are not finite: nothing was pruned`)
  if (!grams.every(finite)) throw new UserError(`${name} has inputs that are not finite: nothing was pruned`)
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
  const unit = problems.reduce((sum, problem) => sum + outputError(problem), 0) || 1
  return problems.map((problem) => ({ ...problem, unit }))
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
export function factored({ name, hessian, columns }: LayerProblem, factor: typeof inverse): Float64Array {
  try {
    return factor(hessian, columns)
  } catch (error) {
    throw new UserError(`${name}: ${(error as Error).message}; nothing was pruned, a larger damp may help`)
  }
}

/** |(W - V) X|^2 of new weights V, [rows][columns]; default zeros: |W X|^2. */
export function outputError(problem: LayerProblem, v?: Float64Array): number {
  const { columns: n, weights, hessian, damping = 0 } = problem
  let twice = 0
  const delta = new Float64Array(n)
  for (let at = 0; at < weights.length; at += n) {
    for (let i = 0; i < n; i++) delta[i] = weights[at + i] - (v ? v[at + i] : 0)
    for (let i = 0; i < n; i++) {
      if (delta[i] === 0) continue
      let sum = -damping * delta[i]
      for (let j = 0, row = i * n; j < n; j++) sum += hessian[row + j] * delta[j]
      twice += delta[i] * sum
    }
  }
  return twice / 2
}

/** How many weights are not zero. */
export const leftOf = (problems: readonly LayerProblem[]): number =>
  problems.reduce((sum, { weights }) => sum + weights.filter((w) => w !== 0).length, 0)

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
  name: string,
  problems: readonly LayerProblem[],
  solved: readonly LayerSolution[],
): Reconstruction {
  const error = problems.reduce((sum, problem, i) => sum + outputError(problem, solved[i].weights), 0)
  return { name, error: error / problems[0].unit!, dead: problems.reduce((sum, { dead }) => sum + dead!.length, 0) }
}
