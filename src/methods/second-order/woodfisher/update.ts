/**
 * @file The sum of single weights' updates under given masks: WoodFisher's, and with a first-order term
 * WoodTaylor's.
 */
import { bestStep } from '../candidates.ts'
import type { Stage, Tried } from '../stage.ts'
import { woodfisherUpdate, woodtaylorDescent } from './formulas.ts'
import type { Inverses } from './inverses.ts'

/** Masks with the best step along their update. */
export function singleUpdate(stage: Stage, inverses: Inverses, masks: Float32Array[]): Tried {
  const { weights, settings } = stage
  const pruned = newlyPruned(weights, masks)
  const diagonals = inverses.diagonals()
  const compensation = woodfisherUpdate(inverses, weights, diagonals, pruned)
  if (settings.firstOrder === 0) return bestStep(stage, masks, [{ compensation }])
  const descent = woodtaylorDescent(inverses, inverses.timesGradient(), diagonals, pruned)
  return bestStep(stage, masks, [{ compensation, descent, damping: inverses.damping }])
}

/** 1 at the weights that the masks prune and that were not zero before. */
const newlyPruned = (weights: readonly Float32Array[], masks: readonly Float32Array[]) =>
  masks.map((mask, t) => mask.map((m, q) => (m === 0 && weights[t][q] !== 0 ? 1 : 0)))
