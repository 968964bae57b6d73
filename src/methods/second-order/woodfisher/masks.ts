/**
 * @file WoodFisher and WoodTaylor in a stage: masks by what removing a weight alone costs when the others
 * make up for it. Weights that are pruned already score nothing.
 */
import { type Stage, stageMasks } from '../stage.ts'
import { woodfisherSaliency, woodtaylorSaliency } from './formulas.ts'
import type { Inverses } from './inverses.ts'

export function woodfisherMasks(stage: Stage, inverses: Inverses): Float32Array[] {
  const diagonals = inverses.diagonals()
  const scores = diagonals.map((diagonal, t) => woodfisherSaliency(stage.weights[t], diagonal))
  return stageMasks(stage, ofLeft(stage, scores))
}

export function woodtaylorMasks(stage: Stage, inverses: Inverses): Float32Array[] {
  const [diagonals, descents] = [inverses.diagonals(), inverses.timesGradient()]
  const scores = diagonals.map((diagonal, t) => woodtaylorSaliency(stage.weights[t], diagonal, descents[t]))
  return stageMasks(stage, ofLeft(stage, scores))
}

const ofLeft = ({ weights }: Stage, scores: readonly Float64Array[]): Float64Array[] =>
  scores.map((some, t) => some.map((score, q) => (weights[t][q] === 0 ? 0 : score)))
