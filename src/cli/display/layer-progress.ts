/**
 * @file A bar for work that goes layer by layer, with the time left; nothing where standard error is no
 * terminal.
 */
import { SingleBar } from 'cli-progress'
import { clock } from '../../util/format.ts'
import { currentIo } from '../io.ts'

export class LayerDisplay {
  readonly #stream = currentIo().stderr
  readonly #start = performance.now()
  #bar?: SingleBar

  readonly show = (done: number, all: number): void => {
    if (!this.#stream.isTTY) return
    const seconds = (performance.now() - this.#start) / 1000
    const payload = { left: clock((seconds / done) * (all - done)) }
    if (!this.#bar) {
      const format = '{left} left [{bar}] {value} of {total} layers'
      this.#bar = new SingleBar({
        format,
        hideCursor: true,
        barsize: 20,
        clearOnComplete: true,
        gracefulExit: false,
        stream: this.#stream,
      })
      this.#bar.start(all, done, payload)
    }
    this.#bar.update(done, payload)
  }

  /** Removes the bar, so that what follows stands on its own line. */
  stop(): void {
    this.#bar?.stop()
  }
}
