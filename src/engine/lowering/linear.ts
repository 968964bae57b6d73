/** @file Matrix products. */

import { transposes } from '../../graph/operators/linear.ts'
import { call } from '../kernel.ts'
import { BIAS, gemm } from '../kernels/gemm.ts'
import { RECTIFY } from '../kernels/rectify.ts'
import { strides } from '../layout.ts'
import type { Lowering } from '../lowering.ts'

/**
 * The kernel writes row-major. A batched result [N, F] lies as [F][N], so its transpose is computed: the
 * weight is then the left operand and vectors run over samples. The attribute `relu` is set by the engine
 * (fuse.ts).
 */
const product: Lowering = {
  emit: ({ inputs: [a, b, bias], outputs: [y], attributes }, at) => {
    const { transA, transB } = transposes(attributes)
    const [aRow, aCol] = transA ? strides(a).reverse() : strides(a)
    const [bRow, bCol] = transB ? strides(b).reverse() : strides(b)
    const k = a.shape[transA ? 0 : 1]
    const [rows, cols] = y.shape
    const left = { p: at(a), outer: aRow, depth: aCol }
    const right = { p: at(b), outer: bCol, depth: bRow }
    const [m, n, x, z] = y.batched ? [cols, rows, right, left] : [rows, cols, left, right]
    const biasKind = !bias ? BIAS.none : y.batched ? BIAS.row : BIAS.column
    return [
      call(gemm, {
        m,
        n,
        k,
        a: x.p,
        aOuter: x.outer,
        aDepth: x.depth,
        b: z.p,
        bOuter: z.outer,
        bDepth: z.depth,
        c: at(y),
        bias: bias ? at(bias) : 0,
        biasKind,
        relu: Number(attributes.relu ?? RECTIFY.none),
      }),
    ]
  },
}

export const linear: Record<string, Lowering> = { Gemm: product, MatMul: product }
