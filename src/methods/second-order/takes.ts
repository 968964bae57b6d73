/**
 * @file Which settings a method of second-order pruning has a use for, which follows from what it is made of.
 */
import { type Composition, isRegression, startsByScores, usesDamping } from './composition.ts'
import type { SecondOrderMethod } from './names.ts'
import type { SecondOrderSettings } from './settings.ts'

type Setting = keyof SecondOrderSettings

/** What the composition of a method can be chosen by. */
const choices: Partial<Record<SecondOrderMethod, readonly Setting[]>> = {
  woodfisher: ['start', 'search', 'update'],
  woodtaylor: ['start', 'search', 'update'],
  'cbs-select': ['start', 'search', 'update'],
  'cbs-update': ['start', 'search', 'update'],
  cbs: ['start', 'search', 'update'],
  kfac: ['update'],
}

export function takesOf(method: SecondOrderMethod, composition: Composition): readonly Setting[] {
  const { start, search, update } = composition
  const usual: Setting[] = ['samples', 'judge', 'faithful', 'refreshBatchNorm', 'polish']
  const searches = search !== 'none'
  const updates = update !== 'none'
  const some: [boolean, readonly Setting[]][] = [
    [true, usual],
    [method !== 'kfac', ['miniBatch']],
    [method !== 'magnitude', ['memory']],
    [method !== 'magnitude' && start !== 'masks', ['stages']],
    [true, choices[method] ?? []],
    [method !== 'kfac' && (searches || updates || start === 'woodfisher' || start === 'woodtaylor'), ['blocks']],
    [usesDamping(composition), ['damp']],
    [start === 'random-magnitude', ['candidates']],
    [searches, ['epsilon', 'rho', 'tau', 'passes', 'patience']],
    [updates && !isRegression(composition), ['scale', 'firstOrder']],
    [searches && updates, ['updateEachPass']],
    [startsByScores(composition) && !isRegression(composition) && !searches && method !== 'magnitude', ['flopsPower']],
  ]
  return some.flatMap(([has, settings]) => (has ? settings : []))
}
