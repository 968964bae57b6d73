/**
 * @file The Combinatorial Brain Surgeon in a stage: randomized magnitude pruning, the local search, and for
 * `cbs` the systematic update.
 */

import { unchanged } from '../candidates.ts'
import type { Proposal, Stage } from '../stage.ts'
import { updatedMasks } from '../updates.ts'
import { localSearch } from './local-search.ts'
import { randomMagnitude } from './random-magnitude.ts'

/**
 * `cbs` updates the masks that the search finds, and not in faithful mode those that it starts from, too;
 * these with the damping that was best for the others.
 */
export function proposeBrainSurgeon(stage: Stage): Proposal {
  const { clock, columns, settings } = stage
  // Gradients have a phase of their own.
  columns.all()
  const start = clock.timed('search', () => startMasks(stage))
  const { masks, search } = clock.timed('search', () => searchedMasks(stage, start))
  const report = { search }
  if (settings.method === 'cbs-select') return { report, tried: [unchanged(stage, masks)] }
  const searched = updatedMasks(stage, masks)
  if (settings.faithful) return { report, tried: [searched] }
  return { report, tried: [searched, updatedMasks(stage, start, [searched.update!.damping!])] }
}

/** Of several random ones in the first stage, of magnitude alone in later ones. */
function startMasks({ stage, sparsity, weights, settings, judgeStart }: Stage): Float32Array[] {
  const { seed, faithful, onProgress } = settings
  const candidates = stage === 1 ? settings.candidates : 1
  const onCandidate = ({ candidate, loss }: { candidate: number; loss: number }) => {
    const done = candidate + 1
    onProgress('search', `start mask ${done} of ${candidates}: loss ${loss.toFixed(4)}`, done / candidates)
  }
  const judge = (masks: readonly ArrayLike<number>[]) => judgeStart.loss(weights, masks)
  const { masks } = randomMagnitude(weights, judge, { sparsity, seed, faithful, candidates, onCandidate })
  return masks.map((mask) => Float32Array.from(mask))
}

function searchedMasks({ columns, weights, settings, judge }: Stage, start: Float32Array[]) {
  const { faithful, fisher, limits, onProgress } = settings
  const { masks, trace } = localSearch(columns.searched(fisher), weights, start, judge.contest(weights), {
    ...limits,
    faithful,
    onPass: ({ pass, swaps, objective, loss }) =>
      onProgress(
        'search',
        `pass ${pass}: ${swaps} exchanges, objective ${objective.toPrecision(4)}, loss ${loss.toFixed(4)}`,
      ),
  })
  const swaps = trace.reduce((sum, pass) => sum + pass.swaps, 0)
  const search = { swaps, from: trace[0].objective, to: trace[trace.length - 1].objective, taken: true }
  return { masks: masks.map((mask) => Float32Array.from(mask)), search }
}
