/**
 * @file How long a measurement still takes: nothing for two seconds, then a bar in a terminal, and without
 * one a line now and then. On standard error, where it is in the way of no table and no JSON.
 */
import { SingleBar } from 'cli-progress'
import { clock } from '../../util/format.ts'
import { currentIo } from '../io.ts'
import type { Setting } from './setting.ts'
import { BLOCK, SETTLING } from './turns.ts'

/** Milliseconds before anything is said. */
const PATIENCE = 2000
/** Milliseconds between two lines. */
const BETWEEN = 10_000

export class BenchDisplay {
  readonly #stream = currentIo().stderr
  readonly #started = performance.now()
  #printed = Number.NEGATIVE_INFINITY
  #bar?: SingleBar

  /** `secondsLeft`: what is expected. */
  show({ batch, threads }: Setting, secondsLeft: number): void {
    const now = performance.now()
    if (now - this.#started < PATIENCE) return
    const [left, what] = [`${clock(secondsLeft)} left`, `batch ${batch}, threads ${threads}`]
    if (this.#stream.isTTY) {
      const passed = (now - this.#started) / 1000
      this.#draw(passed / (passed + secondsLeft), { left, what })
    } else if (now - this.#printed >= BETWEEN) {
      this.#stream.write(`${left}, measuring ${what}\n`)
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

/** Expects what is left to take as long as what was measured before, by the sizes of batches. */
export class Remaining {
  /** Blocks that are still to come, by the size of their batch. */
  readonly #blocks = new Map<number, number>()
  /** Milliseconds per image of the block before. */
  #perImage = 0

  constructor(settings: readonly Setting[], rounds: number) {
    for (const { batch, entrants } of settings)
      this.#blocks.set(batch, (this.#blocks.get(batch) ?? 0) + rounds * entrants.length)
  }

  /** A block is done, of so many milliseconds per run. */
  passed({ batch }: Setting, milliseconds: number): void {
    this.#blocks.set(batch, this.#blocks.get(batch)! - 1)
    this.#perImage = milliseconds / batch
  }

  seconds(): number {
    // A block is runs that are not measured, at least one, and the same with more patience.
    const block = (batch: number) => {
      const run = (this.#perImage * batch) / 1000
      return Math.max(SETTLING, run) + Math.max(BLOCK, run)
    }
    return [...this.#blocks].reduce((sum, [batch, count]) => sum + count * block(batch), 0)
  }
}
