/**
 * @file RIA, relative importance and activations (Zhang et al. 2024, "Plug-and-Play", ICLR, equations 3 and
 * 4):
 *
 *     (|w_ij| / sum_k |w_kj| + |w_ij| / sum_k |w_ik|) |X_j|^a
 *
 * The share of a weight in its input's and in its output's weights keeps whole channels from vanishing; |X_j|
 * is the norm of the input over samples and positions, and a = 1/2. Weights compete within the layer. None
 * that stays is changed.
 */
import { chosenBy, inputNorms, masked, type Target } from './choose.ts'
import type { LayerProblem, LayerSolution } from './problem.ts'

/** The scores, [rows][columns]. */
export function riaScores(problem: LayerProblem, exponent = 0.5): Float64Array {
  const { rows, columns, weights } = problem
  const norms = inputNorms(problem)
  const [ofRows, ofColumns] = [new Float64Array(rows), new Float64Array(columns)]
  weights.forEach((w, i) => {
    ofRows[Math.floor(i / columns)] += Math.abs(w)
    ofColumns[i % columns] += Math.abs(w)
  })
  return weights.map((w, i) => {
    if (w === 0) return 0
    const [row, column] = [Math.floor(i / columns), i % columns]
    return (Math.abs(w) / ofColumns[column] + Math.abs(w) / ofRows[row]) * norms[column] ** exponent
  })
}

export function ria(problem: LayerProblem, target: Target): LayerSolution {
  const mask = chosenBy(riaScores(problem), problem, target, 'matrix')
  return { weights: masked(problem.weights, mask), mask }
}
