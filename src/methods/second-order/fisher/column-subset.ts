/**
 * @file Some gradient columns of a tensor, as columns of their own: a block that is less than a tensor, or
 * the weights of one that are not pruned yet. Every operation goes column by column.
 */
import { addScaled, dot, type Vector } from '../../../linear/vector.ts'
import type { Matrix, Workspace } from '../../../linear/workspace.ts'
import type { GramColumns } from './columns.ts'
import { addGramOf } from './gram.ts'

export class ColumnSubset implements GramColumns {
  readonly name: string
  readonly size: number
  readonly samples: number
  readonly #space: Workspace
  readonly #whole: GramColumns
  readonly #weights: Int32Array

  /** Columns `weights` (increasing) of `whole`, which is in `space`. */
  constructor(space: Workspace, whole: GramColumns, weights: Int32Array, name = whole.name) {
    this.name = name
    this.size = weights.length
    this.samples = whole.samples
    this.#space = space
    this.#whole = whole
    this.#weights = weights
  }

  column(weight: number, into: Vector): void {
    this.#whole.column(this.#weights[weight], into)
  }

  correlate(v: Float64Array, sums: Float64Array): void {
    this.#each((column, q) => {
      sums[q] = dot(column, v)
    })
  }

  squares(sums: Float64Array): void {
    this.#each((column, q) => {
      sums[q] = dot(column, column)
    })
  }

  combine(x: ArrayLike<number>, v: Float64Array): void {
    this.#each((column, q) => {
      if (x[q] !== 0) addScaled(v, column, x[q])
    })
  }

  addGram(k: Matrix): void {
    addGramOf(this.#space, this, k)
  }

  subset(weights: Int32Array, name = this.name): ColumnSubset {
    return new ColumnSubset(
      this.#space,
      this.#whole,
      weights.map((q) => this.#weights[q]),
      name,
    )
  }

  #each(visit: (column: Float64Array, q: number) => void): void {
    const column = new Float64Array(this.samples)
    for (let q = 0; q < this.size; q++) {
      this.column(q, column)
      visit(column, q)
    }
  }
}
