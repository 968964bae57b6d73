/** @file The weights of a block that are not pruned, as a block of their own. */
import type { GramBlock, GramColumns } from './columns.ts'

export class ActiveBlock implements GramBlock {
  readonly samples: number
  /** A view of each tensor; all of it where all of its weights are active, none of it where none is. */
  readonly tensors: readonly GramColumns[]
  /** Number of active weights. */
  readonly size: number
  readonly #sizes: readonly number[]
  /** The active weights of each tensor. */
  readonly #weights: readonly Int32Array[]

  /**
   * Active are the weights whose `active` (masks, or the weights themselves; one list per tensor) is not 0.
   */
  constructor({ samples, tensors }: GramBlock, active: readonly ArrayLike<number>[]) {
    this.samples = samples
    this.#sizes = tensors.map(({ size }) => size)
    this.#weights = active.map(nonzeros)
    this.size = this.#weights.reduce((sum, { length }) => sum + length, 0)
    this.tensors = tensors.map((tensor, t) => {
      const weights = this.#weights[t]
      return weights.length === tensor.size ? tensor : tensor.subset(weights)
    })
  }

  /** Of one value for every weight of the block, those of the active ones. */
  gather(values: readonly ArrayLike<number>[]): Float64Array[] {
    return this.#weights.map((weights, t) => Float64Array.from(weights, (q) => values[t][q]))
  }

  /** One value for every weight of the block: these of the active ones, and 0. */
  scatter(values: readonly Float64Array[]): Float64Array[] {
    return this.#weights.map((weights, t) => {
      const all = new Float64Array(this.#sizes[t])
      weights.forEach((q, i) => {
        all[q] = values[t][i]
      })
      return all
    })
  }
}

/** Where a list is not 0. */
function nonzeros(list: ArrayLike<number>): Int32Array {
  const places = new Int32Array(list.length)
  let count = 0
  for (let q = 0; q < list.length; q++) if (list[q] !== 0) places[count++] = q
  return places.slice(0, count)
}
