/**
 * @file Wanda (Sun, Liu, Bair & Kolter 2024, arXiv 2306.11695): weights are scored by |w_ij| |X_j|, where
 * |X_j| is the norm of their input over samples and positions, and compared within each output. No weight
 * that stays is changed.
 */
import { chosenBy, inputNorms, masked, type Target } from './choose.ts'
import type { LayerProblem, LayerSolution } from './problem.ts'

/** The scores, [rows][columns]. */
export function wandaScores(problem: LayerProblem): Float64Array {
  const norms = inputNorms(problem)
  return problem.weights.map((w, i) => Math.abs(w) * norms[i % problem.columns])
}

export function wanda(problem: LayerProblem, target: Target): LayerSolution {
  const mask = chosenBy(wandaScores(problem), problem, target, 'row')
  return { weights: masked(problem.weights, mask), mask }
}
