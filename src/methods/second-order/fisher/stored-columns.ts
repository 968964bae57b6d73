/**
 * @file Gradient columns that are stored, N floats per weight: for convolutions, whose gradients sum over
 * positions, and mini-batches.
 */
import { floatRows, product, transposed } from '../../../linear/product.ts'
import { addScaled, dot, type Vector } from '../../../linear/vector.ts'
import type { Matrix, Workspace } from '../../../linear/workspace.ts'
import { ColumnSubset } from './column-subset.ts'
import type { GramColumns } from './columns.ts'

export class StoredColumns implements GramColumns {
  readonly name: string
  readonly size: number
  readonly samples: number
  readonly #space: Workspace
  readonly #offset: number
  readonly #values: Float32Array

  /** Takes size x samples floats of the workspace. */
  constructor(space: Workspace, name: string, size: number, samples: number) {
    this.name = name
    this.size = size
    this.samples = samples
    this.#space = space
    this.#offset = space.take(size * samples)
    this.#values = space.floats(this.#offset, size * samples)
  }

  /** Samples [first, first + count), from gradients [weight][count]. */
  put(first: number, count: number, gradients: Float32Array): void {
    for (let q = 0; q < this.size; q++)
      this.#values.set(gradients.subarray(q * count, (q + 1) * count), q * this.samples + first)
  }

  /** All that is stored, live, to be saved or restored. */
  floats(): Float32Array[] {
    return [this.#values]
  }

  column(weight: number, into: Vector): void {
    into.set(this.#column(weight))
  }

  correlate(v: Float64Array, sums: Float64Array): void {
    for (let q = 0; q < this.size; q++) sums[q] = dot(this.#column(q), v)
  }

  squares(sums: Float64Array): void {
    for (let q = 0; q < this.size; q++) sums[q] = dot(this.#column(q), this.#column(q))
  }

  combine(x: ArrayLike<number>, v: Float64Array): void {
    for (let q = 0; q < this.size; q++) if (x[q] !== 0) addScaled(v, this.#column(q), x[q])
  }

  addGram(k: Matrix): void {
    const columns = transposed(floatRows(this.#offset, this.size, this.samples))
    this.#space.run([product(k, columns, columns, { mode: 'add', lower: true })])
  }

  subset(weights: Int32Array, name = this.name): ColumnSubset {
    return new ColumnSubset(this.#space, this, weights, name)
  }

  #column(q: number): Float32Array {
    return this.#values.subarray(q * this.samples, (q + 1) * this.samples)
  }
}
