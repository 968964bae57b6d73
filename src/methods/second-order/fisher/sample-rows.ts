/** @file Rows of one float per sample in a workspace: one side of rank-one gradients, for all samples. */
import { floatRows, type Operand } from '../../../linear/product.ts'
import type { Workspace } from '../../../linear/workspace.ts'

export class SampleRows {
  readonly count: number
  readonly samples: number
  /** All rows, live. */
  readonly values: Float32Array
  readonly #offset: number

  /** Takes count x samples floats of the workspace. */
  constructor(space: Workspace, count: number, samples: number) {
    this.count = count
    this.samples = samples
    this.#offset = space.take(count * samples)
    this.values = space.floats(this.#offset, count * samples)
  }

  /** All rows, as lines of a product. */
  get lines(): Operand {
    return floatRows(this.#offset, this.count, this.samples)
  }

  row(p: number): Float32Array {
    return this.values.subarray(p * this.samples, (p + 1) * this.samples)
  }

  /** Samples [first, first + count) of all rows, from values [row][count]. */
  put(first: number, count: number, values: Float32Array): void {
    for (let p = 0; p < this.count; p++) this.row(p).set(values.subarray(p * count, (p + 1) * count), first)
  }

  /** The samples at which row p is not zero. */
  support(p: number): Int32Array {
    const row = this.row(p)
    return Int32Array.from(row.keys()).filter((i) => row[i] !== 0)
  }

  /** For each of some rows, the first of them that equals it. */
  firstEqual(rows: Iterable<number>): Map<number, number> {
    const bySum = new Map<number, number[]>()
    const first = new Map<number, number>()
    for (const p of rows) {
      const row = this.row(p)
      let sum = 0
      for (const x of row) sum += x
      // Equal rows have equal sums: only those are compared.
      const same = bySum.get(sum) ?? []
      const found = same.find((other) => this.row(other).every((x, i) => x === row[i]))
      first.set(p, found ?? p)
      if (found === undefined) bySum.set(sum, [...same, p])
    }
    return first
  }
}
