/** @file Products of matrices, computed in float64 whatever the operands are. */
import { call, type Instruction } from '../engine/kernel.ts'
import { MODE, product64 } from '../engine/kernels/matrix64.ts'
import type { Matrix } from './workspace.ts'

/** An operand of a product: `lines` lines of `depth` values, in float32 or float64. */
export interface Operand {
  lines: number
  depth: number
  offset: number
  /** The distance between lines, and between the values of a line, in values. */
  strides: readonly [number, number]
  double: boolean
}

/** Float32 rows that lie one after another in a workspace: each row is a line. */
export const floatRows = (offset: number, lines: number, depth: number): Operand => {
  return { lines, depth, offset, strides: [depth, 1], double: false }
}

/** A float64 matrix whose rows are the lines. */
export const rowsOf = ({ rows, cols, offset, row }: Matrix): Operand => {
  return { lines: rows, depth: cols, offset, strides: [row, 1], double: true }
}

/** An operand with lines and depth exchanged. */
export const transposed = ({ lines, depth, offset, strides: [line, step], double }: Operand): Operand => {
  return { lines: depth, depth: lines, offset, strides: [step, line], double }
}

/**
 * The instruction c = a b' (or c += a b', or c -= a b'): the products of the lines of a with the lines of b.
 * With `lower`, only elements j <= i are computed. Throws where the sizes do not fit.
 */
export function product(
  c: Matrix,
  a: Operand,
  b: Operand,
  { mode = 'set', lower = false }: { mode?: keyof typeof MODE; lower?: boolean } = {},
): Instruction {
  if (a.lines !== c.rows || b.lines !== c.cols || a.depth !== b.depth)
    throw new Error(`a ${c.rows} x ${c.cols} product of ${a.lines} x ${a.depth} and ${b.lines} x ${b.depth}`)
  return call(product64, {
    m: a.lines,
    n: b.lines,
    k: a.depth,
    a: a.offset,
    aOuter: a.strides[0],
    aDepth: a.strides[1],
    aDouble: Number(a.double),
    b: b.offset,
    bOuter: b.strides[0],
    bDepth: b.strides[1],
    bDouble: Number(b.double),
    c: c.offset,
    row: c.row,
    mode: MODE[mode],
    lower: Number(lower),
  })
}
