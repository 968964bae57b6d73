/** @file Optimal Brain Damage in a stage: masks by the diagonal of the Fisher matrix, without an update. */

import { type Stage, stageMasks } from '../stage.ts'
import { OBD_DAMPING } from '../usual-damping.ts'
import { fisherDiagonal, obdSaliency } from './formulas.ts'

export function obdMasks(stage: Stage): Float32Array[] {
  const { columns, weights, settings } = stage
  const { lambda = settings.faithful ? 0 : OBD_DAMPING } = settings
  const diagonals = columns.eachPart(({ tensors: [tensor] }) => [fisherDiagonal(tensor)])
  const scores = diagonals.map((diagonal, t) => obdSaliency(diagonal, weights[t], lambda))
  return stageMasks(stage, scores)
}
