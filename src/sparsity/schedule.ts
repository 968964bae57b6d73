/**
 * @file Pruning schedules: at which steps the network is pruned, and to what sparsity each time; with
 * alternating phases also at which steps what was pruned returns.
 */

import { checkName, checkNumber, checkWhole } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { checkSparsity } from './count.ts'

export const scheduleKinds = ['one-shot', 'exponential', 'cubic', 'alternating'] as const
export type ScheduleKind = (typeof scheduleKinds)[number]

export interface PruningSchedule {
  kind: ScheduleKind
  /** Final sparsity, 0 to 1. */
  sparsity: number
  /** Optimizer steps taken before the first event; 0 is initialization. */
  start: number
  /**
   * Optimizer steps taken before the last event at the latest, with `alternating` exactly. `one-shot` has a
   * single event, at `start`.
   */
  end: number
  /** Steps between events; with `alternating`, the length of a phase. */
  every: number
  /**
   * `cubic` only: the sparsity that the first event reaches. Default: as if there had been an event one
   * period earlier that removed nothing.
   */
  initial?: number
}

/** One pruning of the network, or the return of what was pruned. */
export interface PruningEvent {
  /** Optimizer steps taken before it. */
  step: number
  /** Whether it lifts all masks in the place of pruning (src/methods/lift-masks.ts). Default false. */
  lifts?: boolean
  /** Sparsity after it. */
  sparsity: number
  /** Sparsity after it of what has another final sparsity than the schedule's, and no `initial`. */
  at(final: number): number
}

/**
 * The events of a schedule: n of them at start, start + every, ... up to `end`. After event j = 1..n the
 * sparsity is
 * - exponential: 1 - (1 - s)^(j / n): every event removes the same share of what is left;
 * - cubic: s - s (1 - j / n)^3 (Zhu & Gupta 2017 with initial sparsity 0 and t0 one period before `start`,
 *   since their event at t0 removes nothing). With `initial` s0: s - (s - s0) (1 - (j - 1) / (n - 1))^3 (Zhu
 *   & Gupta's formula as it stands, whose event at t0 prunes to s0).
 *
 * The last event reaches exactly s, also where end - start is not a multiple of `every`. For `alternating`
 * see {@link alternatingEvents}. Throws UserError where a value is none that it can have.
 */
export function pruningEvents(schedule: PruningSchedule): PruningEvent[] {
  if (typeof schedule !== 'object' || schedule === null)
    throw new UserError(`schedule: expected an object with kind, sparsity, start, end and every, found ${schedule}`)
  const { kind, sparsity: s, start, end, every, initial } = schedule
  checkName('schedule.kind', kind ?? null, scheduleKinds)
  checkSparsity(s)
  checkWhole('schedule.start', start ?? null, 0)
  checkNumber('schedule.initial', initial, 'a sparsity from 0 to 1', (x) => x >= 0 && x <= 1)
  if (kind === 'one-shot') return [{ step: start, sparsity: s, at: (final) => final }]
  checkWhole('schedule.end', end ?? null, 0)
  checkWhole('schedule.every', every ?? null, 0)
  if (end < start || every < 1)
    throw new UserError(`expected end >= start and every >= 1, found ${start}, ${end}, ${every}`)
  if (kind === 'alternating') return alternatingEvents(schedule)
  const n = Math.floor((end - start) / every) + 1
  return Array.from({ length: n }, (_, i) => {
    const done = (i + 1) / n
    const at = (final: number) => {
      if (i === n - 1) return final
      return kind === 'cubic' ? final - final * (1 - done) ** 3 : 1 - (1 - final) ** done
    }
    const from = initial === undefined || i === n - 1 ? undefined : s - (s - initial) * (1 - i / (n - 1)) ** 3
    return { step: start + i * every, sparsity: from ?? at(s), at }
  })
}

/**
 * The events of alternating phases (AC/DC, Peste et al. 2021, arXiv 2106.12379): the network is pruned to its
 * final sparsity at `start`, whole again at start + every, pruned anew at start + 2 every, ..., and pruned
 * for good at `end`. A dense phase is as long as a sparse one, but for the last, which lasts until `end`:
 * with epochs 10, 15, ..., 75 and the end at 85 it is the schedule that is published for ResNet-50. Throws
 * UserError where no dense phase has room.
 */
function alternatingEvents({ sparsity, start, end, every }: PruningSchedule): PruningEvent[] {
  if (end <= start + every)
    throw new UserError(`expected end > start + every with alternating phases, found ${start}, ${end}, ${every}`)
  const prunes = (step: number): PruningEvent => ({ step, sparsity, at: (final) => final })
  const lifts = (step: number): PruningEvent => ({ step, sparsity: 0, lifts: true, at: () => 0 })
  const events: PruningEvent[] = []
  for (let step = start; step + every < end; step += 2 * every) events.push(prunes(step), lifts(step + every))
  return [...events, prunes(end)]
}
