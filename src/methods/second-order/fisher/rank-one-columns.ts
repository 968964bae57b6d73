/**
 * @file Gradient columns of a linear layer, whose sample gradients are rank one: weight (p, q) has the column
 * left[p] * right[q], sample by sample, where left is the gradient of the layer's output and right its input
 * (or the other way round). N (P + Q) floats instead of N P Q.
 */
import { call } from '../../../engine/kernel.ts'
import { gather64 } from '../../../engine/kernels/matrix64.ts'
import { floatRows, product, rowsOf, transposed } from '../../../linear/product.ts'
import { dot } from '../../../linear/vector.ts'
import { type Matrix, part, type Workspace } from '../../../linear/workspace.ts'
import type { GramColumns } from './columns.ts'
import { activeWeights, addGramOf, inactiveWeights } from './gram.ts'

/**
 * Rows of the Gram matrix that are computed at once: an even number of the blocks that products go round the
 * threads in.
 */
const ROWS = 384

export class RankOneColumns implements GramColumns {
  readonly name: string
  readonly size: number
  readonly samples: number
  readonly #space: Workspace
  readonly #left: Factor
  readonly #right: Factor

  /** Takes (p + q) x samples floats of the workspace. */
  constructor(space: Workspace, name: string, [p, q]: readonly [number, number], samples: number) {
    this.name = name
    this.size = p * q
    this.samples = samples
    this.#space = space
    this.#left = new Factor(space, p, samples)
    this.#right = new Factor(space, q, samples)
  }

  /** Samples [first, first + count), from the factors [p][count] and [q][count]. */
  put(first: number, count: number, left: Float32Array, right: Float32Array): void {
    this.#left.put(first, count, left)
    this.#right.put(first, count, right)
  }

  /** All that is stored, live, to be saved or restored. */
  floats(): Float32Array[] {
    return [this.#left.values, this.#right.values]
  }

  column(weight: number, into: Float32Array): void {
    const left = this.#left.row(Math.floor(weight / this.#right.count))
    const right = this.#right.row(weight % this.#right.count)
    for (let i = 0; i < into.length; i++) into[i] = left[i] * right[i]
  }

  correlate(v: Float64Array, sums: Float64Array): void {
    const [space, left, right] = [this.#space, this.#left, this.#right]
    space.scoped(() => {
      const weighted = space.matrix(left.count, this.samples)
      const values = space.values(weighted)
      for (let p = 0; p < left.count; p++) {
        const row = left.row(p)
        for (let i = 0; i < v.length; i++) values[p * v.length + i] = v[i] * row[i]
      }
      const result = space.matrix(left.count, right.count)
      space.run([product(result, rowsOf(weighted), right.lines)])
      sums.set(space.values(result))
    })
  }

  squares(sums: Float64Array): void {
    const squared = ({ count, row }: Factor) =>
      Array.from({ length: count }, (_, p) => Float64Array.from(row(p), (x) => x * x))
    const rights = squared(this.#right)
    squared(this.#left).forEach((left, p) => {
      rights.forEach((right, q) => {
        sums[p * rights.length + q] = dot(left, right)
      })
    })
  }

  combine(x: ArrayLike<number>, v: Float64Array): void {
    const inner = new Float64Array(v.length)
    for (let p = 0; p < this.#left.count; p++) {
      inner.fill(0)
      for (let q = 0; q < this.#right.count; q++) {
        const scale = x[p * this.#right.count + q]
        if (scale === 0) continue
        const right = this.#right.row(q)
        for (let i = 0; i < inner.length; i++) inner[i] += scale * right[i]
      }
      const left = this.#left.row(p)
      for (let i = 0; i < v.length; i++) v[i] += left[i] * inner[i]
    }
  }

  /** All weights, less those that are not active where these are fewer. */
  addGram(k: Matrix, active?: ArrayLike<number>): void {
    const some = activeWeights(this.size, active)
    const few = 2 * some.length <= this.size
    if (!few) this.#addWholeGram(k)
    if (few) addGramOf(this.#space, this, some, k)
    else if (active) addGramOf(this.#space, this, inactiveWeights(active), k, 'subtract')
  }

  /** K = (left' left) . (right' right): N^2 (P + Q) operations instead of N^2 P Q. */
  #addWholeGram(k: Matrix): void {
    const space = this.#space
    space.scoped(() => {
      const [lefts, rights] = [space.matrix(ROWS, this.samples), space.matrix(ROWS, this.samples)]
      for (let first = 0; first < this.samples; first += ROWS) {
        const rows = Math.min(ROWS, this.samples - first)
        const columns = first + rows
        const gram = (into: Matrix, { lines }: Factor) => {
          const all = transposed(lines)
          const some = { ...all, lines: rows, offset: all.offset + first * all.strides[0] }
          return product(part(into, 0, 0, rows, columns), some, { ...all, lines: columns })
        }
        space.run([gram(lefts, this.#left), gram(rights, this.#right)])
        const [a, b, sums] = [space.values(lefts), space.values(rights), space.values(k)]
        for (let i = 0; i < rows; i++)
          for (let j = 0; j <= first + i; j++)
            sums[(first + i) * this.samples + j] += a[i * this.samples + j] * b[i * this.samples + j]
      }
    })
  }

  /**
   * For each p, the quadratic forms of all right[q] with s . (left[p] left[p]'), restricted to the samples
   * whose left[p] is not zero: after a ReLU those are few. Equal right[q] have equal forms: those of pixels
   * that are the same in all images are computed once.
   */
  quadraticForms(s: Matrix, forms: Float64Array, progress: (done: number) => void = () => {}): void {
    const [space, n] = [this.#space, this.samples]
    const { first: distinct, of } = this.#right.distinct()
    const rights = distinct.length
    for (let p = 0; p < this.#left.count; p++) {
      const left = this.#left.row(p)
      const active = Int32Array.from(left.keys()).filter((i) => left[i] !== 0)
      const sums = new Float64Array(rights)
      if (active.length > 0)
        space.scoped(() => {
          const indices = space.take(active.length)
          space.floats(indices, active.length).set(active)
          const offset = space.take(rights * active.length)
          const rows = Array.from(distinct, (q, r) => {
            const row = space.floats(offset + r * active.length, active.length)
            const right = this.#right.row(q)
            for (let i = 0; i < row.length; i++) row[i] = right[active[i]] * left[active[i]]
            return row
          })
          const lines = floatRows(offset, rights, active.length)
          const half = space.matrix(ROWS, active.length)
          const image = space.matrix(rights, ROWS)
          for (let first = 0; first < active.length; first += ROWS) {
            const count = Math.min(ROWS, active.length - first)
            const depth = first + count
            // Twice the strict lower triangle, and the diagonal, give the same forms as the whole.
            space.run([
              call(gather64, { rows: count, first, s: s.offset, n, indices, to: half.offset, row: half.row }),
              product(part(image, 0, 0, rights, count), { ...lines, depth }, rowsOf(part(half, 0, 0, count, depth))),
            ])
            const t = space.values(image)
            rows.forEach((row, r) => {
              sums[r] += dot(row.subarray(first, depth), t.subarray(r * ROWS, r * ROWS + count))
            })
          }
        })
      of.forEach((r, q) => {
        forms[p * of.length + q] = sums[r]
      })
      progress((p + 1) * of.length)
    }
  }
}

/**
 * Floats of a workspace that methods of rank-one columns take while they run, beside the columns themselves.
 */
export function rankOneRoom([p, q]: readonly [number, number], samples: number): number {
  const correlate = 2 * p * (samples + q)
  const gram = 2 * 2 * ROWS * samples
  const forms = (q + 1) * samples + 2 * ROWS * (samples + q)
  return Math.max(correlate, gram, forms) + 16
}

/** `count` rows of one float per sample. */
class Factor {
  readonly count: number
  readonly #samples: number
  readonly #offset: number
  readonly values: Float32Array

  constructor(space: Workspace, count: number, samples: number) {
    this.count = count
    this.#samples = samples
    this.#offset = space.take(count * samples)
    this.values = space.floats(this.#offset, count * samples)
  }

  get lines() {
    return floatRows(this.#offset, this.count, this.#samples)
  }

  readonly row = (p: number): Float32Array => this.values.subarray(p * this.#samples, (p + 1) * this.#samples)

  /**
   * The rows that equal none before them, and for every row which of those it equals (its place among them).
   */
  distinct(): { first: readonly number[]; of: readonly number[] } {
    const first: number[] = []
    const places = new Map<number, number[]>()
    const of = Array.from({ length: this.count }, (_, p) => {
      const row = this.row(p)
      let sum = 0
      for (const x of row) sum += x
      // Equal rows have equal sums: only those are compared.
      const same = places.get(sum) ?? []
      const found = same.find((place) => this.row(first[place]).every((x, i) => x === row[i]))
      if (found !== undefined) return found
      places.set(sum, [...same, first.length])
      return first.push(p) - 1
    })
    return { first, of }
  }

  put(first: number, count: number, values: Float32Array): void {
    for (let p = 0; p < this.count; p++) this.row(p).set(values.subarray(p * count, (p + 1) * count), first)
  }
}
