/**
 * @file Gram matrices of rank-one gradient columns, K = sum over weights of their columns' outer products.
 */
import { floatRows, product, transposed } from '../../../linear/product.ts'
import { type Matrix, part, type Workspace } from '../../../linear/workspace.ts'
import { eachStrip, type RankOne, STRIP, someLines, type WeightRow } from './rank-one.ts'
import type { SampleRows } from './sample-rows.ts'

/** What adding an element to K takes, in multiplications of a product. */
const ADDITION = 8

/** Floats of a workspace that these functions take meanwhile. */
export const gramRoom = (q: number, samples: number): number =>
  Math.max(2 * 2 * STRIP * samples, (q + 2 * STRIP) * samples)

/** k += (left' left) . (right' right), of all P Q weights: N^2 (P + Q) operations instead of N^2 P Q. */
export function addWholeGram(space: Workspace, left: SampleRows, right: SampleRows, k: Matrix): void {
  const n = left.samples
  space.scoped(() => {
    const [lefts, rights] = [space.matrix(STRIP, n), space.matrix(STRIP, n)]
    eachStrip(n, (first, rows, end) => {
      const gram = (into: Matrix, lines: SampleRows['lines']) =>
        product(part(into, 0, 0, rows, end), someLines(lines, first, rows), someLines(lines, 0, end))
      space.run([gram(lefts, transposed(left.lines)), gram(rights, transposed(right.lines))])
      for (let i = 0; i < rows; i++) {
        const [a, b, sums] = [space.row(lefts, i), space.row(rights, i), space.row(k, first + i)]
        for (let j = 0; j <= first + i; j++) sums[j] += a[j] * b[j]
      }
    })
  })
}

/**
 * k += sign times the Gram matrix of the weights of one p, (left[p] left[p]') . (R' R) with R the right[q] of
 * its weights, on the samples whose left[p] is not zero: after a ReLU those are few.
 */
export function addRowGram(
  space: Workspace,
  { left, right }: RankOne,
  { p, rights }: WeightRow,
  support: Int32Array,
  k: Matrix,
  sign: 1 | -1,
): void {
  const n = support.length
  if (n === 0) return
  const row = left.row(p)
  space.scoped(() => {
    const offset = space.take(rights.length * n)
    const gathered = space.floats(offset, rights.length * n)
    rights.forEach((q, r) => {
      const values = right.row(q)
      for (let i = 0; i < n; i++) gathered[r * n + i] = values[support[i]]
    })
    const lines = transposed(floatRows(offset, rights.length, n))
    const strip = space.matrix(STRIP, n)
    eachStrip(n, (first, rows, end) => {
      space.run([product(part(strip, 0, 0, rows, end), someLines(lines, first, rows), someLines(lines, 0, end))])
      for (let i = 0; i < rows; i++) {
        const [products, sums] = [space.row(strip, i), space.row(k, support[first + i])]
        const scale = sign * row[support[first + i]]
        for (let j = 0; j <= first + i; j++) sums[support[j]] += scale * row[support[j]] * products[j]
      }
    })
  })
}

/** Whether {@link addRowGram} takes less than the same product of whole columns. */
export const isCheaperByRow = ({ rights }: WeightRow, support: Int32Array, samples: number): boolean =>
  support.length ** 2 * (rights.length + ADDITION) < samples ** 2 * rights.length
