/** @file A network pruned once, to be compared: how good it is then, and what that took. */
import { isDistance, type Measured } from '../display/measured.ts'
import { worseThanGuessing } from './guessing.ts'
import { costOf } from './record.ts'
import { type PruneCounts, pruneCounts } from './report.ts'
import type { PruneTask } from './settings.ts'
import type { Outcome, Prepared } from './work.ts'

/** What is said of it. */
export interface Judged {
  row: ReturnType<typeof rowOf>
  counts: PruneCounts
  /** As it is in the end. */
  final: Measured
  /** A warning where it is no better than guessing. */
  guessing?: string
}

export function judged(
  task: PruneTask,
  { network, names, settings }: Pick<Prepared, 'network' | 'names' | 'settings'>,
  outcome: Outcome,
  dense: Measured,
): Judged {
  const { pruned, refreshed = pruned, polished = refreshed, statistics, polish } = outcome
  const counts = pruneCounts(network, names)
  const guessing = worseThanGuessing({ dense, final: polished, statistics, polish, paths: counts.paths }, task)
  return { row: rowOf(task, settings, outcome, polished, counts), counts, final: polished, guessing }
}

const rowOf = (
  task: PruneTask,
  settings: Prepared['settings'],
  outcome: Outcome,
  final: Measured,
  { prunable, multiplyAdds }: PruneCounts,
) => ({
  method: task.name,
  ...prunable,
  multiplyAdds,
  accuracy: isDistance(final) ? undefined : final.accuracy,
  loss: final.loss,
  outputs: isDistance(final) ? final.outputs : undefined,
  metrics: final.metrics,
  heldOut: heldOutLoss(outcome),
  ...costOf(task, outcome, settings),
})

/** Loss of the last step on the training samples that judge; where a method asked for none, unknown. */
function heldOutLoss({ polish, statistics, stages }: Outcome): number | undefined {
  if (polish) return polish.after
  if (statistics) return statistics.taken ? statistics.after : statistics.before
  const last = stages?.at(-1)
  return last?.updated ?? last?.selected
}
