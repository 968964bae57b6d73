/**
 * @file Reports how far a load or a download has come, a few times a second.
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

/** Counts units, and reports them at most ten times a second and when all are done. */
export class Meter {
  readonly #fixed: Pick<DataProgress, 'what' | 'unit' | 'total'>
  readonly #onProgress: OnProgress | undefined
  readonly #doneBefore: number
  readonly #started = performance.now()
  #lastReport = Number.NEGATIVE_INFINITY
  #done: number

  /** `doneBefore` units were there before this process began; they do not count in the rate. */
  constructor(
    fixed: Pick<DataProgress, 'what' | 'unit' | 'total'>,
    onProgress: OnProgress | undefined,
    doneBefore = 0,
  ) {
    this.#fixed = fixed
    this.#onProgress = onProgress
    this.#doneBefore = doneBefore
    this.#done = doneBefore
  }

  advance(units: number): void {
    this.#done += units
    const now = performance.now()
    const { total } = this.#fixed
    if (!this.#onProgress || (now - this.#lastReport < EVERY && this.#done !== total)) return
    this.#lastReport = now
    const perSecond = (1000 * (this.#done - this.#doneBefore)) / Math.max(now - this.#started, 1e-3)
    this.#onProgress({ ...this.#fixed, done: this.#done, perSecond, secondsLeft: (total - this.#done) / perSecond })
  }
}
