/** @file How many training samples second-order pruning takes gradients of, and how many judge. */
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import type { PruningRequest } from '../method.ts'
import { usualJudge, usualSamples } from '../samples.ts'
import { type Composition, hasOneStage } from './composition.ts'
import type { SecondOrderMethod } from './names.ts'
import type { SecondOrderSettings } from './settings.ts'

export interface Counts {
  samples: number
  miniBatch: number
  judge: number
  /** Whether samples may judge whose gradients are taken: where they only tell of the loss. */
  overlap: boolean
}

/**
 * How many gradients, of how many samples each, and how many samples judge. By default at least half of a
 * small data set is left to judge. Throws UserError, naming the setting, where there are not as many.
 */
export function sampleCounts(
  method: SecondOrderMethod,
  composition: Composition,
  settings: SecondOrderSettings,
  { model, data: { name, samples: count }, nameOf }: PruningRequest,
): Counts {
  const { miniBatch = 1, faithful = false, stages } = settings
  const all = `the ${grouped(count)} training samples of ${name}`
  const looks = faithful || stages === 1 || (method !== 'magnitude' && hasOneStage(composition)) ? 'once' : 'stages'
  const usual = Math.max(1, Math.min(usualSamples(model, looks), Math.floor(count / 2 / miniBatch)))
  const { samples = usual } = settings
  const used = samples * miniBatch
  if (used > count) {
    const each = miniBatch === 1 ? '' : ` in mini-batches of ${grouped(miniBatch)}`
    throw new UserError(`${nameOf('samples')}: expected no more than ${all}, found ${grouped(samples)}${each}`)
  }
  const overlap = faithful || !isJudged(composition, settings)
  const left = overlap ? count : count - used
  const searches = composition.search !== 'none'
  const { judge = usualJudge(searches, faithful, count, overlap ? used : left) } = settings
  if (judge === 0)
    throw new UserError(`${nameOf('samples')}: ${grouped(samples)} gradients leave none of ${all} to judge by`)
  if (judge > left)
    throw new UserError(
      `${nameOf('judge')}: expected no more than ${grouped(left)} of ${all}${overlap ? '' : ' beside the gradients'}, found ${grouped(judge)}`,
    )
  return { samples, miniBatch, judge, overlap }
}

/** Whether the loss of judging samples chooses anything: masks, passes, dampings or shares of a step. */
function isJudged(
  { start, search, update }: Composition,
  { candidates, scale, firstOrder, damp, refreshBatchNorm, ...asked }: SecondOrderSettings,
): boolean {
  const polishes = asked.polish !== 0 && (asked.polish !== undefined || asked.update !== 'none')
  if (refreshBatchNorm !== 'none' || polishes) return true
  if (search !== 'none' || (start === 'random-magnitude' && candidates !== 1)) return true
  if (update === 'none') return false
  const searched = scale === undefined || scale === 'search' || firstOrder !== false
  return searched || (update === 'multiple' && damp === undefined)
}
