/**
 * @file Where the local search exchanges weights: within each of some areas, which all of the weights make up
 * together. One area of all blocks lets any weight change places with any other.
 */
import type { FisherBlock } from '../fisher/columns.ts'
import type { Masks } from '../fisher/flat.ts'
import { Removal } from './removal.ts'
import type { Outcome } from './rules.ts'

export class Areas {
  /** One per tensor of all areas, live. */
  readonly masks: Masks
  readonly #removals: readonly Removal[]
  /** The areas whose last pass exchanged something. */
  readonly #open: Set<number>

  /**
   * `areas`: the blocks of each. `weights` and `start` have an array per tensor of all blocks, in order, as
   * {@link Removal} takes them. Throws as that does.
   */
  constructor(
    areas: readonly (readonly FisherBlock[])[],
    weights: readonly ArrayLike<number>[],
    start: readonly ArrayLike<number>[],
  ) {
    let end = 0
    this.#removals = areas.map((blocks, i) => {
      const first = end
      end += blocks.reduce((count, { tensors }) => count + tensors.length, 0)
      // What is too much or too little is for the last one to refuse.
      const own = <T>(all: readonly T[]) => all.slice(first, i === areas.length - 1 ? undefined : end)
      return new Removal(blocks, own(weights), own(start))
    })
    this.masks = this.#removals.flatMap(({ masks }) => masks)
    this.#open = new Set(areas.keys())
  }

  /** Q, summed over the areas. */
  objective(): number {
    return this.#removals.reduce((sum, removal) => sum + removal.objective(), 0)
  }

  /**
   * What a pass of each area makes together, weights numbered through all areas. One that exchanges nothing
   * is done for good, since no other changes it.
   */
  pass(passOf: (removal: Removal) => Outcome): Outcome {
    const outcomes: Outcome[] = []
    let first = 0
    this.#removals.forEach((removal, i) => {
      if (this.#open.has(i)) {
        const { swaps, ...counts } = passOf(removal)
        if (swaps.length === 0) this.#open.delete(i)
        const from = first
        const numbered = swaps.map(({ back, gone, change }) => ({ back: back + from, gone: gone + from, change }))
        outcomes.push({ ...counts, swaps: numbered })
      }
      first += removal.size
    })
    return {
      swaps: outcomes.flatMap(({ swaps }) => swaps),
      rows: outcomes.reduce((sum, { rows }) => sum + rows, 0),
      tests: outcomes.reduce((sum, { tests }) => sum + tests, 0),
    }
  }
}
