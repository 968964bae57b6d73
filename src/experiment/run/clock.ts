/** @file The time that a run has trained for. */

export class RunClock {
  /** Seconds of earlier sessions of the run. */
  readonly #before: number
  readonly #started = performance.now()
  /** Milliseconds of this session that no step took. */
  #outside = 0

  constructor(before: number) {
    this.#before = before
  }

  /** Seconds, over all sessions. */
  total(): number {
    return this.#before + (performance.now() - this.#started) / 1000
  }

  /** Seconds of this session's steps. */
  ofSteps(): number {
    return (performance.now() - this.#started - this.#outside) / 1000
  }

  /** What `work` takes is no step's time. */
  outside<T>(work: () => T): T {
    const started = performance.now()
    const result = work()
    this.#outside += performance.now() - started
    return result
  }

  /** The same for work that is waited for. */
  async outsideUntil<T>(work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const result = await work()
    this.#outside += performance.now() - started
    return result
  }
}
