/**
 * @file The two symmetric products of gradient columns, in float64: the Gram matrix K = G G' (N x N), and
 * G' G (n x n), N times the Fisher matrix of few weights.
 */
import { product, rowsOf, transposed } from '../../../linear/product.ts'
import { type Matrix, part, type Workspace } from '../../../linear/workspace.ts'
import { weightsOf } from './block.ts'
import type { GradientColumns, GramBlock } from './columns.ts'

/** Columns gathered at once. */
export const GATHERED = 256

/** k[i][j] += (or -=) sum over the columns of G[i][q] G[j][q], for j <= i, by gathering them. */
export function addGramOf(
  space: Workspace,
  columns: GradientColumns,
  k: Matrix,
  mode: 'add' | 'subtract' = 'add',
): void {
  const { size, samples } = columns
  space.scoped(() => {
    const gathered = space.matrix(Math.min(GATHERED, size), samples)
    for (let first = 0; first < size; first += GATHERED) {
      const count = Math.min(GATHERED, size - first)
      for (let i = 0; i < count; i++) columns.column(first + i, space.row(gathered, i))
      const lines = transposed(rowsOf(part(gathered, 0, 0, count, samples)))
      space.run([product(k, lines, lines, { mode, lower: true })])
    }
  })
}

/** The lower triangle of K = G G' of a block: N x N. */
export function gramMatrix(space: Workspace, { samples, tensors }: GramBlock): Matrix {
  const k = space.matrix(samples, samples)
  space.values(k).fill(0)
  for (const tensor of tensors) tensor.addGram(k)
  return k
}

/** The lower triangle of G' G of a block of n weights: n x n. Takes n x N doubles beside it meanwhile. */
export function normalMatrix(space: Workspace, block: GramBlock): Matrix {
  const { samples, tensors } = block
  const n = weightsOf(block)
  const h = space.matrix(n, n)
  space.scoped(() => {
    const gathered = space.matrix(n, samples)
    let at = 0
    for (const tensor of tensors) for (let q = 0; q < tensor.size; q++) tensor.column(q, space.row(gathered, at++))
    const lines = rowsOf(gathered)
    space.run([product(h, lines, lines, { lower: true })])
  })
  return h
}
