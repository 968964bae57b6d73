/**
 * @file Second-order pruning as it is seen in a terminal: the time left and a bar. Without a terminal,
 * lines now and then.
 */
import { SingleBar } from 'cli-progress'
import { clock } from '../../util/format.ts'
import { print } from '../display/output.ts'
import { currentIo } from '../io.ts'

export interface PruneDisplayOptions {
  /** Writes a line. Default: to the terminal. */
  write?: (text: string) => void
  /** Whether bars are drawn. Default: in a terminal. */
  bars?: boolean
  /** Milliseconds between lines about the same part where no bars are drawn. Default 5000. */
  between?: number
  /** Milliseconds in which nothing is shown: what takes no longer is not worth a line. Default 0. */
  patience?: number
}

export class PruneDisplay {
  readonly #options: Required<PruneDisplayOptions>
  readonly #created = performance.now()
  #bar?: SingleBar
  #phase?: string
  /** Share that is done of the present part, and when it began; when something was last printed of it. */
  #share = 0
  #started = performance.now()
  #printed = performance.now()

  constructor({
    write = print,
    bars = currentIo().stdout.isTTY ?? false,
    between = 5000,
    patience = 0,
  }: PruneDisplayOptions = {}) {
    this.#options = { write, bars, between, patience }
  }

  /**
   * `share`: how much of a part is done, 0 (it begins now) to 1; absent for what is worth a line of its own.
   */
  readonly show = (phase: string, text: string, share?: number): void => {
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
    const left = `${clock((seconds * (1 - share)) / share)} left`
    const name = `${phase}: ${text}`
    const { bars, between } = this.#options
    if (bars) this.#draw(name, share, left)
    if (share >= 1) this.line(`${name}, ${seconds.toFixed(1)} s`)
    else if (!bars && now - this.#printed >= between) this.line(`${left}, ${name}`)
  }

  /** Prints a line above whatever is drawn. */
  line(text: string): void {
    this.stop()
    if (performance.now() - this.#created < this.#options.patience) return
    this.#options.write(text)
    this.#printed = performance.now()
  }

  /** Prints a line where somebody watches: bars are drawn. */
  hint(text: string): void {
    if (this.#options.bars) this.line(text)
  }

  /** Removes the bar, so that what follows stands on its own line. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #draw(name: string, share: number, left: string): void {
    if (!this.#bar) {
      const format = '{left} [{bar}] {name}'
      const look = { format, barsize: 20, clearOnComplete: true, gracefulExit: false, stream: currentIo().stdout }
      this.#bar = new SingleBar(look)
      this.#bar.start(1, share, { name, left })
    }
    this.#bar.update(share, { name, left })
  }
}
