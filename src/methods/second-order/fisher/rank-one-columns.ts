/**
 * @file Gradient columns of a linear layer, whose sample gradients are rank one: weight (p, q) has the column
 * left[p] * right[q], sample by sample, where left is the gradient of the layer's output and right its input
 * (or the other way round). N (P + Q) floats instead of N P Q. No product of the two is rounded to float32,
 * except in a `column` that is asked for so.
 */
import { product, rowsOf } from '../../../linear/product.ts'
import { dot, type Vector } from '../../../linear/vector.ts'
import type { Matrix, Workspace } from '../../../linear/workspace.ts'
import type { GramColumns } from './columns.ts'
import { addGramOf } from './gram.ts'
import { allRows, otherWeights, type RankOne, someRows } from './rank-one.ts'
import { formsRoom, RankOneForms } from './rank-one-forms.ts'
import { addWholeGram, gramRoom } from './rank-one-gram.ts'
import { SampleRows } from './sample-rows.ts'

/** How many times faster a product of matrices is than the same sums one by one. */
const PRODUCT = 8

export class RankOneColumns implements GramColumns {
  readonly name: string
  readonly size: number
  readonly samples: number
  readonly quadraticForms: RankOneForms
  readonly #space: Workspace
  readonly #left: SampleRows
  readonly #right: SampleRows
  /** Which of the P Q weights these are, increasing. Absent: all. */
  readonly #weights?: Int32Array
  readonly #layer: RankOne

  /** `weights`: some of the weights, p Q + q, increasing. Default: all. */
  constructor(space: Workspace, name: string, left: SampleRows, right: SampleRows, weights?: Int32Array) {
    this.name = name
    this.size = weights?.length ?? left.count * right.count
    this.samples = left.samples
    this.#space = space
    this.#left = left
    this.#right = right
    this.#weights = weights
    this.#layer = { left, right, rows: weights ? someRows(weights, right) : allRows(left, right) }
    this.quadraticForms = new RankOneForms(space, this.#layer)
  }

  /** All weights of a P x Q layer. Takes (P + Q) x samples floats of the workspace. */
  static allocate(space: Workspace, name: string, [p, q]: readonly [number, number], samples: number): RankOneColumns {
    return new RankOneColumns(space, name, new SampleRows(space, p, samples), new SampleRows(space, q, samples))
  }

  get factors(): { left: SampleRows; right: SampleRows } | undefined {
    return this.#weights ? undefined : { left: this.#left, right: this.#right }
  }

  /** Samples [first, first + count), from the factors [P][count] and [Q][count]. */
  put(first: number, count: number, left: Float32Array, right: Float32Array): void {
    this.#left.put(first, count, left)
    this.#right.put(first, count, right)
  }

  /** All that is stored, live, to be saved or restored. */
  floats(): Float32Array[] {
    return [this.#left.values, this.#right.values]
  }

  column(weight: number, into: Vector): void {
    const at = this.#weights ? this.#weights[weight] : weight
    const left = this.#left.row(Math.floor(at / this.#right.count))
    const right = this.#right.row(at % this.#right.count)
    for (let i = 0; i < into.length; i++) into[i] = left[i] * right[i]
  }

  /** All P Q sums by a product, or these one by one. */
  correlate(v: Float64Array, sums: Float64Array): void {
    const [space, left, right, { rows }] = [this.#space, this.#left, this.#right, this.#layer]
    const weighted = (p: number, into: Float64Array) => {
      const row = left.row(p)
      for (let i = 0; i < v.length; i++) into[i] = v[i] * row[i]
    }
    if (PRODUCT * this.size < left.count * right.count) {
      const one = new Float64Array(v.length)
      for (const { p, first, rights } of rows) {
        weighted(p, one)
        rights.forEach((q, r) => {
          sums[first + r] = dot(right.row(q), one)
        })
      }
      return
    }
    space.scoped(() => {
      const all = space.matrix(left.count, this.samples)
      for (let p = 0; p < left.count; p++) weighted(p, space.row(all, p))
      const result = space.matrix(left.count, right.count)
      space.run([product(result, rowsOf(all), right.lines)])
      for (const { p, first, rights } of rows) {
        const values = space.row(result, p)
        rights.forEach((q, r) => {
          sums[first + r] = values[q]
        })
      }
    })
  }

  /** All P Q sums by a product of the squared factors. */
  squares(sums: Float64Array): void {
    const [space, left, right] = [this.#space, this.#left, this.#right]
    const squared = (rows: SampleRows) => {
      const all = space.matrix(rows.count, this.samples)
      for (let r = 0; r < rows.count; r++) {
        const [row, into] = [rows.row(r), space.row(all, r)]
        for (let i = 0; i < into.length; i++) into[i] = row[i] * row[i]
      }
      return rowsOf(all)
    }
    space.scoped(() => {
      const result = space.matrix(left.count, right.count)
      space.run([product(result, squared(left), squared(right))])
      for (const { p, first, rights } of this.#layer.rows) {
        const values = space.row(result, p)
        rights.forEach((q, r) => {
          sums[first + r] = values[q]
        })
      }
    })
  }

  combine(x: ArrayLike<number>, v: Float64Array): void {
    const inner = new Float64Array(v.length)
    for (const { p, first, rights } of this.#layer.rows) {
      inner.fill(0)
      rights.forEach((q, r) => {
        const scale = x[first + r]
        if (scale === 0) return
        const right = this.#right.row(q)
        for (let i = 0; i < inner.length; i++) inner[i] += scale * right[i]
      })
      const left = this.#left.row(p)
      for (let i = 0; i < v.length; i++) v[i] += left[i] * inner[i]
    }
  }

  subset(weights: Int32Array, name = this.name): RankOneColumns {
    const own = this.#weights
    return this.#some(own ? weights.map((q) => own[q]) : weights, name)
  }

  /** All P Q weights, less the others where these are fewer; or these. */
  addGram(k: Matrix): void {
    const all = this.#left.count * this.#right.count
    if (2 * this.size <= all) addGramOf(this.#space, this, k)
    else {
      addWholeGram(this.#space, this.#left, this.#right, k)
      if (this.#weights) addGramOf(this.#space, this.#some(otherWeights(this.#weights, all)), k, 'subtract')
    }
  }

  /** These of the P Q weights. */
  #some(weights: Int32Array, name = this.name): RankOneColumns {
    return new RankOneColumns(this.#space, name, this.#left, this.#right, weights)
  }
}

/**
 * Floats of a workspace that methods of rank-one columns take while they run, beside the columns themselves.
 */
export function rankOneRoom([p, q]: readonly [number, number], samples: number): number {
  const products = 2 * (p * (samples + q) + q * samples)
  return Math.max(products, gramRoom(samples), formsRoom(q, samples)) + 16
}
