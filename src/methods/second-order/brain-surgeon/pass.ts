/**
 * @file One pass of the local search: removed weights in rows, most welcome back first, kept weights in
 * slots, cheapest to remove first. The orders are those of the pass's start; what an exchange is worth is
 * always computed with all exchanges made so far.
 */
import { Ranking } from '../../../select/ranking.ts'
import { Effect, type Removal } from './removal.ts'

/** An exchange that was made. Weights are numbered through all tensors, in order. */
export interface Swap {
  /** The weight that is kept again. */
  back: number
  /** The weight that is removed instead. */
  gone: number
  /** What Q changed by. */
  change: number
}

export class Pass {
  /** Number of rows. */
  readonly rows: number
  /** Number of slots. */
  readonly slots: number
  readonly swaps: Swap[] = []
  /** How often `change` was called. */
  tests = 0
  readonly #removal: Removal
  readonly #rows: Ranking
  readonly #slots: Ranking
  readonly #used = new Set<number>()
  readonly #row: Effect
  /** The effects of the slots visited last: slot j at j modulo the number of places. */
  readonly #window: readonly Effect[]

  /**
   * Rows: the removed weights by falling alpha. Slots: the kept weights by rising beta - gamma(p1, .), p1
   * being the first row, so that slot 0 is the best partner of row 0. Ties by index. Only weights that
   * `takesPart` accepts are there. The columns of `width` neighbouring slots are held.
   */
  constructor(removal: Removal, width: number, takesPart: (weight: number) => boolean = () => true) {
    this.#removal = removal
    this.#row = new Effect(removal.samples)
    this.#window = Array.from({ length: width }, () => new Effect(removal.samples))
    removal.refresh()
    const keys = new Float64Array(removal.size)
    const rows: number[] = []
    const slots: number[] = []
    for (let q = 0; q < removal.size; q++) {
      if (takesPart(q)) (removal.kept[q] ? slots : rows).push(q)
      keys[q] = removal.kept[q] ? removal.entering(q) : -removal.leaving(q)
    }
    this.#rows = new Ranking(keys, Int32Array.from(rows))
    if (rows.length > 0) {
      const gamma = removal.coupling(removal.load(this.#rows.at(0), this.#row))
      for (const q of slots) keys[q] -= gamma[q]
    }
    this.#slots = new Ranking(keys, Int32Array.from(slots))
    this.rows = rows.length
    this.slots = slots.length
  }

  /** What Q would change by if the weights of row i and slot j changed places. */
  change(i: number, j: number): number {
    this.tests++
    return this.#removal.change(this.#rowOf(i), this.#slotOf(j))
  }

  /** Makes them change places. `change` is what `change(i, j)` said. */
  swap(i: number, j: number, change: number): void {
    const back = this.#rowOf(i)
    const gone = this.#slotOf(j)
    this.#removal.swap(back, gone)
    this.#used.add(j)
    this.swaps.push({ back: back.weight, gone: gone.weight, change })
  }

  /** Whether slot j was swapped before in this pass. */
  isUsed(j: number): boolean {
    return this.#used.has(j)
  }

  #rowOf(i: number): Effect {
    return this.#removal.load(this.#rows.at(i), this.#row)
  }

  #slotOf(j: number): Effect {
    return this.#removal.load(this.#slots.at(j), this.#window[j % this.#window.length])
  }
}
