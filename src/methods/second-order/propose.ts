/**
 * @file A stage of second-order pruning: masks to start from, a search that exchanges weights, an update of
 * those that are left.
 */
import { searchedMasks } from './brain-surgeon/search.ts'
import { unchanged } from './candidates.ts'
import type { UpdateName } from './composition.ts'
import type { Proposal, Stage, Tried } from './stage.ts'
import { starts } from './starts.ts'
import { updatedMasks } from './updates.ts'
import { Inverses } from './woodfisher/inverses.ts'
import { singleUpdate } from './woodfisher/update.ts'

type Updating = (stage: Stage, inverses: Inverses, masks: Float32Array[], dampings?: readonly number[]) => Tried

const updates: Record<UpdateName, Updating> = {
  none: (stage, _, masks) => unchanged(stage, masks),
  single: singleUpdate,
  multiple: (stage, inverses, masks, dampings) => updatedMasks(stage, masks, { dampings, inverses }),
}

/**
 * The masks of the start, or of the search, with their update. Where a search is followed by an update, and
 * not in faithful mode, those of the start are a candidate, too, with the damping that was best for the
 * others.
 */
export function propose(stage: Stage): Proposal {
  const { composition, faithful, updateEachPass } = stage.settings
  const { start, search, update } = composition
  // Gradients have a phase of their own.
  if (search !== 'none') stage.columns.all()
  const inverses = new Inverses(stage)
  const updated = (masks: Float32Array[], dampings?: readonly number[]) =>
    updates[update](stage, inverses, masks, dampings)
  const begun = starts[start](stage, inverses)
  if (search === 'none') {
    const tried = [updated(begun)]
    return { tried, report: { residual: inverses.residual } }
  }
  const found = searchedMasks(stage, begun, updateEachPass ? updated : undefined)
  const searched = found.tried ?? updated(found.masks)
  const report = { search: found.search, residual: inverses.residual }
  if (update === 'none' || faithful || updateEachPass) return { report, tried: [searched] }
  const { damping } = searched.update!
  return { report, tried: [searched, updated(begun, damping === undefined ? undefined : [damping])] }
}
