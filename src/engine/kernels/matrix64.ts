/** @file Dense linear algebra in float64 (kernels/matrix64.c). Matrices of doubles lie at even offsets. */
import type { Extent, Kernel } from '../kernel.ts'
import { limits } from './limits.ts'

/** What a product does to its result. */
export const MODE = { set: 0, add: 1, subtract: 2 } as const

const { IN_PLACE } = limits

type Sizes = 'm' | 'n' | 'k'
type Left = 'a' | 'aOuter' | 'aDepth' | 'aDouble'
type Right = 'b' | 'bOuter' | 'bDepth' | 'bDouble'
type P = Sizes | Left | Right | 'c' | 'row' | 'mode' | 'lower'

const checkEven = (offset: number) => {
  if (offset % 2) throw new Error(`a matrix of doubles must lie at an even offset, found ${offset}`)
}

function strided(offset: number, [n, m]: number[], [outer, inner]: number[], double: number): Extent {
  if (double) checkEven(offset)
  return { offset, length: ((n - 1) * outer + (m - 1) * inner + 1) * (double ? 2 : 1) }
}

/**
 * c[i][j] = (set, += or -=) the sum over l < k of a(i, l) b(j, l), in float64, for i < m, j < n. Element (i, l) of an operand lies at i outer + l depth, counted in
 * floats or, if `double`, in doubles; rows of c lie `row` doubles apart. With `lower` only j <= i is defined, and other elements may be overwritten.
 */
export const product64: Kernel<P> = {
  name: 'product64',
  parameters: [
    ...(['m', 'n', 'k', 'a', 'aOuter', 'aDepth', 'aDouble', 'b', 'bOuter', 'bDepth', 'bDouble'] as const),
    ...(['c', 'row', 'mode', 'lower'] as const),
  ],
  extents: (p) => {
    if (p.m < 1 || p.n < 1 || p.k < 1) throw new Error('sizes must be 1 or more')
    if (p.mode > MODE.subtract) throw new Error(`unknown mode ${p.mode}`)
    if (p.c === p.a && (p.n > IN_PLACE || p.k > IN_PLACE))
      throw new Error(`in place, n and k must be at most ${IN_PLACE}`)
    return [
      strided(p.a, [p.m, p.k], [p.aOuter, p.aDepth], p.aDouble),
      strided(p.b, [p.n, p.k], [p.bOuter, p.bDepth], p.bDouble),
      strided(p.c, [p.m, p.n], [p.row, 1], 1),
    ]
  },
  reference: (p, { floats, doubles }) => {
    const read = (offset: number, at: number, double: number) =>
      double ? doubles[offset / 2 + at] : floats[offset + at]
    const sums = new Float64Array(p.m * p.n)
    for (let i = 0; i < p.m; i++)
      for (let j = 0; j < (p.lower ? Math.min(i + 1, p.n) : p.n); j++)
        for (let l = 0; l < p.k; l++)
          sums[i * p.n + j] +=
            read(p.a, i * p.aOuter + l * p.aDepth, p.aDouble) * read(p.b, j * p.bOuter + l * p.bDepth, p.bDouble)
    for (let i = 0; i < p.m; i++)
      for (let j = 0; j < (p.lower ? Math.min(i + 1, p.n) : p.n); j++) {
        const at = p.c / 2 + i * p.row + j
        const sum = sums[i * p.n + j]
        doubles[at] = p.mode === MODE.set ? sum : p.mode === MODE.add ? doubles[at] + sum : doubles[at] - sum
      }
  },
}

/**
 * Factors a symmetric block of n x n (n <= IN_PLACE, its lower triangle read) in place, A = L L', and writes
 * the inverse of L (row-major n x n, zeros above the diagonal) to `inverse`. `pivot` becomes the least of
 * itself and the squares of the diagonal of L, or the first of them that is not above zero: A is not positive
 * definite then.
 */
export const cholesky64: Kernel<'n' | 'a' | 'row' | 'inverse' | 'pivot'> = {
  name: 'cholesky64',
  parameters: ['n', 'a', 'row', 'inverse', 'pivot'],
  extents: (p) => {
    if (p.n < 1 || p.n > IN_PLACE) throw new Error(`n must be from 1 to ${IN_PLACE}`)
    checkEven(p.pivot)
    return [
      strided(p.a, [p.n, p.n], [p.row, 1], 1),
      strided(p.inverse, [p.n, p.n], [p.n, 1], 1),
      { offset: p.pivot, length: 2 },
    ]
  },
  reference: ({ n, row, ...p }, { doubles }) => {
    const a = (i: number, j: number) => p.a / 2 + i * row + j
    const inverse = (i: number, j: number) => p.inverse / 2 + i * n + j
    for (let j = 0; j < n; j++) {
      let d = doubles[a(j, j)]
      for (let k = 0; k < j; k++) d -= doubles[a(j, k)] ** 2
      const least = doubles[p.pivot / 2]
      if (least > 0 && !(d >= least)) doubles[p.pivot / 2] = d
      doubles[a(j, j)] = Math.sqrt(d)
      for (let i = j + 1; i < n; i++) {
        let sum = doubles[a(i, j)]
        for (let k = 0; k < j; k++) sum -= doubles[a(i, k)] * doubles[a(j, k)]
        doubles[a(i, j)] = sum / doubles[a(j, j)]
      }
    }
    for (let j = 0; j < n; j++)
      for (let i = 0; i < n; i++) {
        let sum = i === j ? 1 : 0
        for (let k = j; k < i; k++) sum -= doubles[a(i, k)] * doubles[inverse(k, j)]
        doubles[inverse(i, j)] = i < j ? 0 : sum / doubles[a(i, i)]
      }
  },
}

/**
 * Rows [first, first + rows) of a symmetric matrix restricted to listed indices (increasing, one float each; those of rows included), of which the lower triangle is given:
 * twice the elements left of the diagonal, the diagonal, and zeros up to column first + rows, so that quadratic forms with it are those with the whole.
 * Indices must be below `n`, the order of the matrix.
 */
export const gather64: Kernel<'rows' | 'first' | 's' | 'n' | 'indices' | 'to' | 'row'> = {
  name: 'gather64',
  parameters: ['rows', 'first', 's', 'n', 'indices', 'to', 'row'],
  extents: (p) => [
    strided(p.s, [p.n, p.n], [p.n, 1], 1),
    { offset: p.indices, length: p.first + p.rows },
    strided(p.to, [p.rows, p.first + p.rows], [p.row, 1], 1),
  ],
  reference: (p, { floats, doubles }) => {
    const index = (i: number) => floats[p.indices + i]
    for (let i = 0; i < p.rows; i++)
      for (let j = 0; j < p.first + p.rows; j++) {
        const value = doubles[p.s / 2 + index(p.first + i) * p.n + index(j)]
        doubles[p.to / 2 + i * p.row + j] = j > p.first + i ? 0 : j === p.first + i ? value : 2 * value
      }
  },
}
