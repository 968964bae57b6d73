/** @file Matrix product (kernels/gemm.c). */
import { type Kernel, stridedExtent } from '../kernel.ts'
import { rectified } from './rectify.ts'

export const BIAS = { none: 0, row: 1, column: 2 } as const

type P = 'm' | 'n' | 'k' | 'a' | 'aOuter' | 'aDepth' | 'b' | 'bOuter' | 'bDepth' | 'c' | 'bias' | 'biasKind' | 'relu'

/**
 * c[i][j] = sum over l of a[i aOuter + l aDepth] b[j bOuter + l bDepth], plus bias[i] (row) or bias[j]
 * (column), rectified as `relu` says (RECTIFY); c is row-major m x n. One stride of a and one of b must be 1.
 */
export const gemm: Kernel<P> = {
  name: 'gemm',
  parameters: ['m', 'n', 'k', 'a', 'aOuter', 'aDepth', 'b', 'bOuter', 'bDepth', 'c', 'bias', 'biasKind', 'relu'],
  extents: (p) => {
    if ((p.aOuter !== 1 && p.aDepth !== 1) || (p.bOuter !== 1 && p.bDepth !== 1))
      throw new Error('one stride of a and b must be 1')
    if (p.biasKind < 0 || p.biasKind > BIAS.column) throw new Error(`unknown kind of bias ${p.biasKind}`)
    return [
      stridedExtent(p.a, [p.m, p.k], [p.aOuter, p.aDepth]),
      stridedExtent(p.b, [p.n, p.k], [p.bOuter, p.bDepth]),
      { offset: p.c, length: p.m * p.n },
      ...(p.biasKind === BIAS.none ? [] : [{ offset: p.bias, length: p.biasKind === BIAS.row ? p.m : p.n }]),
    ]
  },
  reference: (p, { floats }) => {
    for (let i = 0; i < p.m; i++)
      for (let j = 0; j < p.n; j++) {
        let sum = p.biasKind === BIAS.none ? 0 : floats[p.bias + (p.biasKind === BIAS.row ? i : j)]
        for (let l = 0; l < p.k; l++)
          sum += floats[p.a + i * p.aOuter + l * p.aDepth] * floats[p.b + j * p.bOuter + l * p.bDepth]
        floats[p.c + i * p.n + j] = rectified(sum, p.relu)
      }
  },
}
