/** @file The Gram matrix of all rank-one gradient columns of a layer. */
import { product, transposed } from '../../../linear/product.ts'
import { type Matrix, part, type Workspace } from '../../../linear/workspace.ts'
import { eachStrip, STRIP, someLines } from './rank-one.ts'
import type { SampleRows } from './sample-rows.ts'

/** Floats of a workspace that {@link addWholeGram} takes meanwhile. */
export const gramRoom = (samples: number): number => 2 * 2 * STRIP * samples

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
