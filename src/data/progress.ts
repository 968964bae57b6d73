/**
 * @file How far a load or a download has come, told a few times a second.
 */

export interface DataProgress {
  /** The file or folder at work. */
  what: string
  unit: 'images' | 'bytes'
  done: number
  total: number
  /** Units per second since this process began. */
  perSecond: number
  secondsLeft: number
}

export type OnProgress = (progress: DataProgress) => void

const EVERY = 100 // milliseconds

/** Counts units, and tells of them at most ten times a second and when all are done. */
export class Meter {
  readonly #fixed: Pick<DataProgress, 'what' | 'unit' | 'total'>
  readonly #tell: OnProgress | undefined
  readonly #first: number
  readonly #started = performance.now()
  #told = Number.NEGATIVE_INFINITY
  #done: number

  /** `done` units were there before. */
  constructor(fixed: Pick<DataProgress, 'what' | 'unit' | 'total'>, tell: OnProgress | undefined, done = 0) {
    this.#fixed = fixed
    this.#tell = tell
    this.#first = done
    this.#done = done
  }

  advance(units: number): void {
    this.#done += units
    const now = performance.now()
    const { total } = this.#fixed
    if (!this.#tell || (now - this.#told < EVERY && this.#done !== total)) return
    this.#told = now
    const perSecond = (1000 * (this.#done - this.#first)) / Math.max(now - this.#started, 1e-3)
    this.#tell({ ...this.#fixed, done: this.#done, perSecond, secondsLeft: (total - this.#done) / perSecond })
  }
}
