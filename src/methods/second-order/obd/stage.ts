/** @file Optimal Brain Damage in a stage: masks by the diagonal of the Fisher matrix, without an update. */

import { unchanged } from '../candidates.ts'
import { type Proposal, type Stage, stageMasks } from '../stage.ts'
import { fisherDiagonal, obdSaliency } from './formulas.ts'

/** Damping where none is asked for, in units of the tensor's mean; none in faithful mode. */
const USUAL_DAMPING = 1

export function proposeObd(stage: Stage): Proposal {
  const { columns, weights, settings } = stage
  const { lambda = settings.faithful ? 0 : USUAL_DAMPING } = settings
  const diagonals = columns.eachPart(({ tensors: [tensor] }) => [fisherDiagonal(tensor)])
  const scores = diagonals.map((diagonal, t) => obdSaliency(diagonal, weights[t], lambda))
  return { tried: [unchanged(stage, stageMasks(stage, scores))] }
}
