/** @file The local search of the Combinatorial Brain Surgeon in a stage. */
import type { Stage, Tried } from '../stage.ts'
import { localSearch } from './local-search.ts'

export interface Searched {
  masks: Float32Array[]
  search: { swaps: number; from: number; to: number; taken: boolean }
  /** The masks with their update, where passes are judged by it. */
  tried?: Tried
}

/**
 * The masks of the pass with the lowest loss, and what the search did. The loss is that of the pass's masks,
 * or with `updated` of these with their update.
 */
export function searchedMasks(
  { columns, weights, settings, judge, clock }: Stage,
  start: Float32Array[],
  updated?: (masks: Float32Array[]) => Tried,
): Searched {
  const { faithful, fisher, limits, onProgress, composition } = settings
  const within = composition.search === 'layer'
  let tried: Tried | undefined
  const updatedLoss = (masks: readonly ArrayLike<number>[]) => {
    const next = updated!(masks.map((mask) => Float32Array.from(mask)))
    if (tried === undefined || next.step.loss < tried.step.loss) tried = next
    return next.step.loss
  }
  const loss = updated ? updatedLoss : judge.contest(weights)
  const search = () =>
    localSearch(columns.searched(within ? 'layer' : fisher), weights, start, loss, {
      ...limits,
      within,
      faithful,
      onPass: ({ pass, swaps, objective, loss }) =>
        onProgress(
          'search',
          `pass ${pass}: ${swaps} exchanges, objective ${objective.toPrecision(4)}, loss ${loss.toFixed(4)}`,
        ),
    })
  // Updates have a phase of their own.
  const { masks, trace } = updated ? search() : clock.timed('search', search)
  const swaps = trace.reduce((sum, pass) => sum + pass.swaps, 0)
  return {
    masks: masks.map((mask) => Float32Array.from(mask)),
    search: { swaps, from: trace[0].objective, to: trace[trace.length - 1].objective, taken: true },
    tried,
  }
}
