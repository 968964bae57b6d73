/**
 * @file Some consecutive gradient columns of a tensor, as columns of their own: a block that is less than a
 * tensor.
 */
import { addScaled, dot } from '../../../linear/vector.ts'
import type { Matrix, Workspace } from '../../../linear/workspace.ts'
import type { GramColumns } from './columns.ts'
import { activeWeights, addGramOf } from './gram.ts'

export class ColumnRange implements GramColumns {
  readonly name: string
  readonly size: number
  readonly samples: number
  readonly #space: Workspace
  readonly #whole: GramColumns
  readonly #first: number

  /** Columns [first, first + size) of `whole`. `space` is the one that `whole` is in. */
  constructor(space: Workspace, whole: GramColumns, first: number, size: number) {
    if (first < 0 || first + size > whole.size) throw new Error('a range must lie inside of its tensor')
    this.name = `${whole.name}[${first}..${first + size - 1}]`
    this.size = size
    this.samples = whole.samples
    this.#space = space
    this.#whole = whole
    this.#first = first
  }

  column(weight: number, into: Float32Array): void {
    this.#whole.column(this.#first + weight, into)
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

  addGram(k: Matrix, active?: ArrayLike<number>): void {
    addGramOf(this.#space, this, activeWeights(this.size, active), k)
  }

  #each(visit: (column: Float32Array, q: number) => void): void {
    const column = new Float32Array(this.samples)
    for (let q = 0; q < this.size; q++) {
      this.column(q, column)
      visit(column, q)
    }
  }
}
