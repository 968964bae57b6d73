/**
 * @file How long something still takes: nothing for two seconds, then a bar in a terminal, and without one a
 * line now and then. On standard error, where it is in the way of no table and no JSON.
 */
import { SingleBar } from 'cli-progress'
import { clock } from '../../util/format.ts'
import { currentIo } from '../io.ts'

/** Milliseconds before anything is said. */
const PATIENCE = 2000
/** Milliseconds between two lines. */
const BETWEEN = 10_000

/** How much of it is done, above 0 to 1, or how long it is expected to take. */
export type Progress = { share: number } | { secondsLeft: number }

export class WaitDisplay {
  readonly #stream = currentIo().stderr
  readonly #started = performance.now()
  #printed = Number.NEGATIVE_INFINITY
  #bar?: SingleBar

  show(what: string, progress: Progress): void {
    const now = performance.now()
    if (now - this.#started < PATIENCE) return
    const passed = (now - this.#started) / 1000
    const [share, seconds] =
      'share' in progress
        ? [progress.share, (passed * (1 - progress.share)) / progress.share]
        : [passed / (passed + progress.secondsLeft), progress.secondsLeft]
    const left = `${clock(seconds)} left`
    if (this.#stream.isTTY) this.#draw(share, { left, what })
    else if (now - this.#printed >= BETWEEN) {
      this.#stream.write(`${left}, ${what}\n`)
      this.#printed = now
    }
  }

  /** Removes the bar. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #draw(share: number, payload: { left: string; what: string }): void {
    if (!this.#bar) {
      const look = { barsize: 20, clearOnComplete: true, gracefulExit: false, hideCursor: true, stream: this.#stream }
      this.#bar = new SingleBar({ format: '{left} [{bar}] {what}', ...look })
      this.#bar.start(1, share, payload)
    }
    this.#bar.update(share, payload)
  }
}
