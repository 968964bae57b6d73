/**
 * @file A bar for downloads and for decoding images, with rate and time left; nothing where standard error is
 * no terminal.
 */
import { basename } from 'node:path'
import { SingleBar } from 'cli-progress'
import type { DataProgress } from '../../data/progress.ts'
import { bytes, clock, grouped } from '../../util/format.ts'
import { currentIo } from '../io.ts'

export class DataDisplay {
  readonly #stream = currentIo().stderr
  #bar?: SingleBar
  #what?: string

  readonly show = ({ what, unit, done, total, perSecond, secondsLeft }: DataProgress): void => {
    if (!this.#stream.isTTY) return
    if (what !== this.#what) this.stop()
    const amount = (n: number) => (unit === 'bytes' ? bytes(n) : `${grouped(Math.round(n))} images`)
    const payload = {
      name: basename(what),
      have: amount(done),
      all: amount(total),
      rate: amount(perSecond),
      left: clock(secondsLeft),
    }
    if (!this.#bar) {
      const format = '{left} left [{bar}] {have} of {all}  {rate}/s  {name}'
      this.#bar = new SingleBar({
        format,
        hideCursor: true,
        barsize: 10,
        clearOnComplete: true,
        gracefulExit: false,
        stream: this.#stream,
      })
      this.#bar.start(total, done, payload)
    }
    this.#what = what
    this.#bar.update(done, payload)
  }

  /** Removes the bar, so that what follows stands on its own line. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = undefined
    this.#what = undefined
  }
}
