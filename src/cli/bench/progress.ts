/** @file How long a measurement beside other engines still takes. */
import type { Setting } from './setting.ts'
import { BLOCK, SETTLING } from './turns.ts'

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
