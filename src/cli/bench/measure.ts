/**
 * @file Measures an engine and its rivals, a setting at a time: every contender has a process of its own, all
 * compute the same batch once, so that outputs can be compared, and then they take turns.
 */
import type { Opened } from './contender.ts'
import { Remaining } from './progress.ts'
import { Remote } from './remote.ts'
import type { Setting } from './setting.ts'
import { rateOver, type Times, takeTurns } from './turns.ts'

/** Of one contender of a setting. */
export interface Measured extends Times {
  batch: number
  threads: number
  name: string
  /** The engine with its version or instruction set. */
  description: string
  int8: boolean
  /** The share of zeros among prunable weights; of the engine itself. */
  sparsity?: number
  /** How many times its rate that of this package's engine is; absent for the engine itself. */
  speedup?: number
  /** The largest difference of outputs over the largest of the engine's; absent for the engine itself. */
  difference?: number
  /** Bytes that its process took at most, and of these before it loaded anything. */
  memory: number
  memoryBefore: number
}

export interface MeasureOptions {
  rounds: number
  /** Called with the seconds that are expected to be left. */
  onProgress(setting: Setting, secondsLeft: number): void
  /** The engine's output in the form of the rival's. */
  asStored(logits: Float32Array): Float32Array
}

export async function measure(settings: readonly Setting[], options: MeasureOptions): Promise<Measured[]> {
  const clock = new Remaining(settings, options.rounds)
  const results: Measured[] = []
  for (const setting of settings) {
    options.onProgress(setting, clock.seconds())
    results.push(...(await measureOne(setting, options, clock)))
  }
  return results
}

async function measureOne(setting: Setting, { rounds, onProgress, asStored }: MeasureOptions, clock: Remaining) {
  const remotes: Remote[] = []
  try {
    const opened: Opened[] = []
    for (const { spec } of setting.entrants) {
      const one = await Remote.open(spec)
      remotes.push(one.remote)
      opened.push(one.opened)
    }
    const times = await takeTurns(remotes, rounds, (milliseconds) => {
      clock.passed(setting, milliseconds)
      onProgress(setting, clock.seconds())
    })
    const expected = asStored(opened[0].output)
    const peaks: number[] = []
    for (const remote of remotes) peaks.push(await remote.peak())
    return setting.entrants.map(({ name, int8 }, i): Measured => {
      const { batch, threads } = setting
      const { output, before, ...said } = opened[i]
      const beside = i > 0 && { speedup: rateOver(times[0], times[i]), difference: apart(expected, output) }
      const memory = { memory: peaks[i], memoryBefore: before }
      return { batch, threads, name, ...said, int8, ...times[i], ...beside, ...memory }
    })
  } finally {
    for (const remote of remotes) remote.end()
  }
}

/**
 * max |a - b| / max |a|. NaN where the lengths differ, or where one alone is no number.
 */
export function apart(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN
  let [most, largest] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i])) continue
    most = Math.max(most, Math.abs(a[i] - b[i]))
  }
  for (const x of a) if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x))
  return most === 0 ? 0 : most / largest
}
