/** @file Matrix products. */

import { transposes } from '../../graph/operators/linear.ts'
import { rowMajorStrides, type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
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

/** One call for every place of the leading axes; an operand that is repeated along one stays where it is. */
const products: Lowering = {
  emit: ({ inputs: [a, b], outputs: [y], attributes }, at) => {
    const { transA, transB } = transposes(attributes)
    const [m, n] = y.shape.slice(-2)
    const k = a.shape.at(transA ? -2 : -1)!
    const [aColumns, bColumns] = [a.shape.at(-1)!, b.shape.at(-1)!]
    return placesOf(y.shape.slice(0, -2), [a, b]).map(([left, right], i) =>
      call(gemm, {
        m,
        n,
        k,
        a: at(a) + left,
        aOuter: transA ? 1 : aColumns,
        aDepth: transA ? aColumns : 1,
        b: at(b) + right,
        bOuter: transB ? bColumns : 1,
        bDepth: transB ? 1 : bColumns,
        c: at(y) + i * m * n,
        bias: 0,
        biasKind: BIAS.none,
        relu: RECTIFY.none,
      }),
    )
  },
}

/** Where the matrices of each operand begin, for every place of the leading axes of the result. */
function placesOf(leading: Shape, operands: readonly Tensor[]): number[][] {
  const steps = operands.map(({ shape }) => {
    const own = rowMajorStrides(shape)
    const extra = leading.length + 2 - shape.length
    return leading.map((_, axis) => (axis < extra || shape[axis - extra] === 1 ? 0 : own[axis - extra]))
  })
  const sizes = rowMajorStrides(leading)
  return Array.from({ length: sizeOf(leading) }, (_, i) =>
    steps.map((of) => of.reduce((sum, step, axis) => sum + (Math.floor(i / sizes[axis]) % leading[axis]) * step, 0)),
  )
}

export const linear: Record<string, Lowering> = { Gemm: product, MatMul: product, BatchMatMul: products }
