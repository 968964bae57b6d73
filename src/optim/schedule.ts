/**
 * @file Learning rates over a run. Steps are optimizer steps, counted from 0.
 */

export interface RateSchedule {
  /**
   * - `constant`;
   * - `steps`: multiplied by `factor` at each of `drops`;
   * - `cosine`: base (1 + cos(pi t / T)) / 2 after the warm-up, reaching 0 after the last step (Loshchilov & Hutter 2017, without restarts).
   */
  kind: 'constant' | 'steps' | 'cosine'
  /** The rate before any decay. */
  base: number
  /** Steps of the run. */
  total: number
  /** Steps of linear warm-up: step t runs at base (t + 1) / warmup. Default 0. */
  warmup?: number
  /** `steps` only: at these steps, ascending. */
  drops?: readonly number[]
  /** `steps` only. Default 0.1. */
  factor?: number
}

/** The learning rate of step `step` (0 .. total-1). */
export function learningRate(schedule: RateSchedule, step: number): number {
  const { kind, base, total, warmup = 0, drops = [], factor = 0.1 } = schedule
  if (step < warmup) return (base * (step + 1)) / warmup
  if (kind === 'steps') return base * factor ** drops.filter((drop) => drop <= step).length
  if (kind === 'cosine') return (base * (1 + Math.cos((Math.PI * (step - warmup)) / (total - warmup)))) / 2
  return base
}
