/** @file Second-order pruning as it is seen in a terminal: a bar with rate and time left. Without a terminal, lines now and then. */
import { SingleBar } from 'cli-progress'
import type { Phase } from '../workflow/second-order.ts'
import { clock, print } from './output.ts'

/** Milliseconds between lines about the same part. */
const BETWEEN_LINES = 5000

export class PruneDisplay {
  #bar?: SingleBar
  #phase?: string
  /** Share that is done of the present part, and when it began; when something was last printed of it. */
  #share = 0
  #started = performance.now()
  #printed = performance.now()

  /** `share`: how much of a part is done, 0 (it begins now) to 1; absent for what is worth a line of its own. */
  readonly show = (phase: Phase | 'layers' | 'statistics', text: string, share?: number): void => {
    const now = performance.now()
    if (share === undefined) {
      this.line(`${phase}: ${text}`)
      return
    }
    if (phase !== this.#phase || share < this.#share) {
      this.stop()
      // A part that did not say that it begins began when the last thing was printed.
      this.#started = this.#printed = share === 0 ? now : this.#printed
    }
    this.#phase = phase
    this.#share = share
    if (share === 0) return
    const seconds = (now - this.#started) / 1000
    const pace = `${((100 * share) / seconds).toFixed(1)} %/s, ${clock((seconds * (1 - share)) / share)} left`
    if (process.stdout.isTTY) this.#draw(`${phase}: ${text}`, share, pace)
    if (share >= 1) this.line(`${phase}: ${text}, ${seconds.toFixed(1)} s`)
    else if (!process.stdout.isTTY && now - this.#printed >= BETWEEN_LINES) this.line(`${phase}: ${text}, ${pace}`)
  }

  /** Prints a line above whatever is drawn. */
  line(text: string): void {
    this.stop()
    print(text)
    this.#printed = performance.now()
  }

  /** Removes the bar, so that what follows stands on its own line. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #draw(name: string, share: number, pace: string): void {
    if (!this.#bar) {
      const format = '[{bar}] {name}, {pace}'
      const look = { format, barsize: 20, clearOnComplete: true, gracefulExit: false, stream: process.stdout }
      this.#bar = new SingleBar(look)
      this.#bar.start(1, share, { name, pace })
    }
    this.#bar.update(share, { name, pace })
  }
}
