/** @file Optimal Brain Damage in a stage: masks by the diagonal of the Fisher matrix, without an update. */

import { unchanged } from '../candidates.ts'
import { type Proposal, type Stage, stageMasks } from '../stage.ts'
import { obdSaliency } from './formulas.ts'

export function proposeObd(stage: Stage): Proposal {
  const { columns, weights } = stage
  const scores = columns.eachPart(({ tensors: [tensor] }, own) => [obdSaliency(tensor, own(weights)[0])])
  return { tried: [unchanged(stage, stageMasks(stage, scores))] }
}
