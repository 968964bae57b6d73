import { expect, it } from 'vitest'
import { StopBeforePruning } from '../../src/cli/work/stop-before-pruning.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunEvent } from '../../src/experiment/run/events.ts'
import { tiny } from '../experiment/tiny.ts'

/** Of runs of 4 epochs of 15 steps. */
const stopOf = (start: string) =>
  new StopBeforePruning(checkRecipe({ ...tiny, prune: { method: 'magnitude', sparsity: 0.9, start } }, 'tiny'))
const begin = (resumedAt?: number) => ({ type: 'start', epochs: 4, steps: 60, resumedAt }) as RunEvent
const at = (step: number, type = 'progress') => ({ type, step }) as RunEvent

it.each([
  ['in an epoch', '1ep5it', 19, 'progress'],
  ['after an epoch', '1ep1it', 15, 'epoch'],
] as const)('a step before the first event: %s', (_, start, last, type) => {
  const stop = stopOf(start)
  stop.see(begin())
  stop.see(at(last - 1))
  expect(stop.signal.aborted).toBe(false)
  stop.see(at(last, type))
  expect(stop.signal.aborted).toBe(true)
})

it('at once where a resumed run is there already', () => {
  const stop = stopOf('1ep')
  stop.see(begin(14))
  expect(stop.signal.aborted).toBe(true)
})

it('refused where nothing comes before pruning', () => {
  expect(() => stopOf('0ep')).toThrow(
    '--until-pruning: expected a recipe that trains from step 0 to prune.start, found 0ep',
  )
  const { prune: _, ...dense } = tiny
  expect(() => new StopBeforePruning(checkRecipe(dense, 'tiny'))).toThrow('found no pruning')
})
