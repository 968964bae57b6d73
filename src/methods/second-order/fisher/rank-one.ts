/**
 * @file Rank-one sample gradients by rows: the weights (p, q) of a P x Q layer, all or some of them, of each
 * p.
 */
import type { Operand } from '../../../linear/product.ts'
import type { SampleRows } from './sample-rows.ts'

/** Weights (p, q) of one p: numbers first, first + 1, ... of q = rights[0], rights[1], ... */
export interface WeightRow {
  readonly p: number
  readonly first: number
  readonly rights: Int32Array
}

/** Weight (p, q) has the column left[p] * right[q], sample by sample. */
export interface RankOne {
  readonly left: SampleRows
  readonly right: SampleRows
  /** By increasing p; none for a p without weights. */
  readonly rows: readonly WeightRow[]
}

/** All P Q weights. */
export function allRows(left: SampleRows, right: SampleRows): WeightRow[] {
  const rights = Int32Array.from({ length: right.count }, (_, q) => q)
  return Array.from({ length: left.count }, (_, p) => ({ p, first: p * right.count, rights }))
}

/** Some weights, p Q + q, increasing. */
export function someRows(weights: Int32Array, { count }: SampleRows): WeightRow[] {
  const rows: WeightRow[] = []
  for (let first = 0; first < weights.length; ) {
    const p = Math.floor(weights[first] / count)
    let end = first
    while (end < weights.length && weights[end] < (p + 1) * count) end++
    rows.push({ p, first, rights: weights.subarray(first, end).map((at) => at - p * count) })
    first = end
  }
  return rows
}

/** The weights below `all` that are not among some, which increase. */
export function otherWeights(weights: Int32Array, all: number): Int32Array {
  const others = new Int32Array(all - weights.length)
  let [next, count] = [0, 0]
  for (let at = 0; count < others.length; at++)
    if (at === weights[next]) next++
    else others[count++] = at
  return others
}

/** Rows of a symmetric matrix that are computed at once, of the height of a block of a product. */
export const STRIP = 192

/** Rows [first, first + rows) of the lower triangle of a matrix of order n, which end before column `end`. */
export function eachStrip(n: number, visit: (first: number, rows: number, end: number) => void): void {
  for (let first = 0; first < n; first += STRIP) {
    const rows = Math.min(STRIP, n - first)
    visit(first, rows, first + rows)
  }
}

/** Lines [first, first + count) of a float32 operand. */
export const someLines = (operand: Operand, first: number, count: number): Operand => {
  return { ...operand, lines: count, offset: operand.offset + first * operand.strides[0] }
}
