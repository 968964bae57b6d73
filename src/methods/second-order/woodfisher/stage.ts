/**
 * @file WoodFisher in a stage: masks by w^2 over the diagonal of the inverse Fisher matrix, and the sum of
 * single weights' updates.
 */

import { bestStep } from '../candidates.ts'
import { ActiveInverse } from '../fisher/active-inverse.ts'
import type { Own, PartBlock } from '../fisher/fisher-columns.ts'
import type { BlockInverse } from '../fisher/inverse.ts'
import { usualDamping } from '../options.ts'
import { type Proposal, type Stage, stageMasks } from '../stage.ts'
import { woodfisherSaliency, woodfisherUpdate } from './formulas.ts'

/**
 * A single block's inverse serves saliencies and update; several are made twice, so that one at a time is in
 * memory.
 */
export function proposeWoodfisher(stage: Stage): Proposal {
  const { columns, weights } = stage
  const { lambda = usualDamping(stage.settings.method, stage.settings.fisher) } = stage.settings
  let residual = 0
  const diagonalOf = (inverse: BlockInverse, progress: Told, block: PartBlock) => {
    residual = Math.max(residual, inverse.residual)
    return block.derived('diagonals of the inverse', lambda, () => inverse.diagonal(progress))
  }
  const updateOf = (inverse: BlockInverse, own: Own, diagonals: Float64Array[], masks: Float32Array[]) =>
    woodfisherUpdate(inverse, own(weights), own(diagonals), newlyPruned(own(weights), own(masks)))
  let masks: Float32Array[] = []
  let compensation: Float64Array[]
  if (columns.count === 1)
    compensation = eachInverse(stage, lambda, (inverse, own, progress, block) => {
      const diagonals = diagonalOf(inverse, progress, block)
      masks = chosen(stage, diagonals)
      return updateOf(inverse, own, diagonals, masks)
    })
  else {
    const diagonals = eachInverse(stage, lambda, (inverse, _, progress, block) => diagonalOf(inverse, progress, block))
    masks = chosen(stage, diagonals)
    compensation = eachInverse(stage, lambda, (inverse, own, progress) => {
      const some = updateOf(inverse, own, diagonals, masks)
      progress(inverse.size)
      return some
    })
  }
  return { report: { residual }, tried: [bestStep(stage, masks, [{ compensation }])] }
}

/** Told how many weights are done. */
type Told = (done: number) => void

function eachInverse(
  { columns, weights, space, settings, clock }: Stage,
  lambda: number,
  visit: (inverse: BlockInverse, own: Own, progress: Told, block: PartBlock) => Float64Array[],
): Float64Array[] {
  return columns.each((block, own, { done, total, group }) =>
    clock.timed('inverse', () =>
      space.scoped(() => {
        const progress = (some: number) =>
          settings.onProgress('inverse', `${group}${done + some} of ${total} weights`, (done + some) / total)
        if (done === 0) progress(0)
        return visit(new ActiveInverse(space, block, lambda, own(weights)), own, progress, block)
      }),
    ),
  )
}

function chosen(stage: Stage, diagonals: readonly Float64Array[]): Float32Array[] {
  const scores = diagonals.map((diagonal, t) => {
    const w = stage.weights[t]
    return woodfisherSaliency(w, diagonal).map((s, q) => (w[q] === 0 ? 0 : s))
  })
  return stageMasks(stage, scores)
}

/** 1 at the weights that the masks prune and that were not zero before. */
const newlyPruned = (weights: readonly Float32Array[], masks: readonly Float32Array[]) =>
  masks.map((mask, t) => mask.map((m, q) => (m === 0 && weights[t][q] !== 0 ? 1 : 0)))
