/**
 * @file Learning rates over a run. Steps are optimizer steps, counted from 0.
 */

import { checkName, checkNotNegative, checkPositive, checkWhole } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'

const kinds = ['constant', 'steps', 'cosine'] as const

export interface RateSchedule {
  /**
   * - `constant`;
   * - `steps`: multiplied by `factor` at each of `drops`;
   * - `cosine`: base (1 + cos(pi t / T)) / 2 after the warm-up, reaching 0 after the last step (Loshchilov &
   *   Hutter 2017, without restarts).
   */
  kind: 'constant' | 'steps' | 'cosine'
  /** The rate before any decay, or what it is at a step, where it has values of its own over time. */
  base: number | ((step: number) => number)
  /** Steps of the run. */
  total: number
  /** Steps of linear warm-up: step t runs at base (t + 1) / warmup. Default 0. */
  warmup?: number
  /** `steps` only: at these steps, ascending. */
  drops?: readonly number[]
  /** `steps` only. Default 0.1. */
  factor?: number
}

/** Throws UserError where a schedule has no values that it can have; `what` is what messages call it. */
export function checkRates(what: string, schedule: Omit<RateSchedule, 'total'>): void {
  if (typeof schedule !== 'object' || schedule === null)
    throw new UserError(`${what}: expected an object such as { kind: 'constant', base: 0.1 }, found ${schedule}`)
  const { kind, base, warmup, drops = [], factor } = schedule
  checkName(`${what}.kind`, kind ?? null, kinds)
  if (typeof base !== 'function') checkNotNegative(`${what}.base`, base ?? null)
  checkNotNegative(`${what}.warmup`, warmup)
  checkPositive(`${what}.factor`, factor)
  if (!Array.isArray(drops)) throw new UserError(`${what}.drops: expected a list of steps, found ${drops}`)
  for (const drop of drops) checkWhole(`${what}.drops`, drop, 0)
}

/**
 * The learning rate of step `step` (0 .. total-1). Throws UserError where there is no schedule of that kind.
 */
export function learningRate(schedule: RateSchedule, step: number): number {
  const { kind, total, warmup = 0, drops = [], factor = 0.1 } = schedule
  const base = typeof schedule.base === 'function' ? schedule.base(step) : schedule.base
  if (step < warmup) return (base * (step + 1)) / warmup
  if (kind === 'steps') return base * factor ** drops.filter((drop) => drop <= step).length
  if (kind === 'cosine') return (base * (1 + Math.cos((Math.PI * (step - warmup)) / (total - warmup)))) / 2
  checkName('kind', kind ?? null, kinds)
  return base
}
