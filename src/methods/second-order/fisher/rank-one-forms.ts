/** @file Quadratic forms of rank-one gradient columns, G_q' S G_q. */
import { call } from '../../../engine/kernel.ts'
import { gather64 } from '../../../engine/kernels/matrix64.ts'
import { product, rowsOf } from '../../../linear/product.ts'
import { dot } from '../../../linear/vector.ts'
import { type Matrix, part, type Workspace } from '../../../linear/workspace.ts'
import type { QuadraticForms } from './columns.ts'
import { eachStrip, type RankOne, STRIP } from './rank-one.ts'

/** Multiplications of a product in the time that an element of S is gathered. */
const GATHER = 64

/** Floats of a workspace that {@link RankOneForms} takes meanwhile. */
export const formsRoom = (q: number, samples: number): number => (2 * q + 1) * samples + 2 * STRIP * (samples + q)

/**
 * For each p, the forms of left[p] * right[q] with S, on the samples whose left[p] is not zero: after a ReLU
 * those are fewer. Equal right[q] have equal forms: those of pixels that are the same in all images are
 * computed once.
 */
export class RankOneForms implements QuadraticForms {
  readonly #space: Workspace
  readonly #layer: RankOne

  constructor(space: Workspace, layer: RankOne) {
    this.#space = space
    this.#layer = layer
  }

  /** As if no right[q] were equal. */
  get cost(): number {
    const { left, rows } = this.#layer
    return rows.reduce((sum, { p, rights }) => sum + ((rights.length + GATHER) * left.support(p).length ** 2) / 2, 0)
  }

  compute(s: Matrix, forms: Float64Array, progress: (done: number) => void = () => {}): void {
    const { left, right, rows } = this.#layer
    const equal = right.firstEqual(new Set(rows.flatMap(({ rights }) => [...rights])))
    for (const { p, first, rights } of rows) {
      const distinct = [...new Set(Array.from(rights, (q) => equal.get(q)!))]
      const values = distinct.map((q) => right.row(q))
      const found = formsOfRow(this.#space, left.row(p), values, left.support(p), s)
      const form = new Map(distinct.map((q, r) => [q, found[r]]))
      rights.forEach((q, r) => {
        forms[first + r] = form.get(equal.get(q)!)!
      })
      progress(first + rights.length)
    }
  }
}

/** The forms of left * right for some rights, all of one value per sample. */
function formsOfRow(
  space: Workspace,
  left: Float32Array,
  rights: readonly Float32Array[],
  support: Int32Array,
  s: Matrix,
): Float64Array {
  const [n, count] = [support.length, rights.length]
  const sums = new Float64Array(count)
  if (n === 0) return sums
  space.scoped(() => {
    const indices = space.take(n)
    space.floats(indices, n).set(support)
    const columns = space.matrix(count, n)
    rights.forEach((right, r) => {
      const column = space.row(columns, r)
      for (let i = 0; i < n; i++) column[i] = right[support[i]] * left[support[i]]
    })
    const half = space.matrix(STRIP, n)
    const image = space.matrix(count, STRIP)
    eachStrip(n, (first, rows, end) => {
      const to = part(image, 0, 0, count, rows)
      // Twice the strict lower triangle, and the diagonal, give the same forms as the whole.
      space.run([
        call(gather64, { rows, first, s: s.offset, n: s.rows, indices, to: half.offset, row: half.row }),
        product(to, rowsOf(part(columns, 0, 0, count, end)), rowsOf(part(half, 0, 0, rows, end))),
      ])
      for (let r = 0; r < count; r++) sums[r] += dot(space.row(columns, r).subarray(first, end), space.row(to, r))
    })
  })
  return sums
}
