/** @file Many matrix products at once, of what a network computes (ONNX MatMul of any rank). */
import { type Builder, check, type Operator } from '../operator.ts'
import { describe, type Shape, type Tensor } from '../tensor.ts'
import { transposes } from './linear.ts'
import { reduceSum, reshape } from './shape.ts'

/**
 * Y[...] = A'[...] B'[...] for every place of the leading axes, which are broadcast: A [..., M, K], B
 * [..., K, N], or their last two axes exchanged (`transA`, `transB`); Y [..., M, N]. All are row-major.
 */
export const BatchMatMul: Operator = {
  name: 'BatchMatMul',
  infer: ([a, b], attributes) => {
    check(a.shape.length >= 2 && b.shape.length >= 2 && !a.batched && !b.batched, 'BatchMatMul', () => {
      return `expected row-major matrices, found ${describe(a)} and ${describe(b)}`
    })
    const { transA, transB } = transposes(attributes)
    const [m, k] = transA ? a.shape.slice(-2).reverse() : a.shape.slice(-2)
    const [k2, n] = transB ? b.shape.slice(-2).reverse() : b.shape.slice(-2)
    check(k === k2, 'BatchMatMul', () => `inner sizes differ: ${describe(a)} and ${describe(b)}`)
    return [{ shape: [...leading(a.shape, b.shape), m, n], batched: false }]
  },
  gradient: (graph, { inputs: [a, b], attributes }, [dy]) => {
    if (!dy) return [undefined, undefined]
    const { transA, transB } = transposes(attributes)
    const dA = transA
      ? batchMatmul(graph, b, dy, { transA: transB, transB: 1 })
      : batchMatmul(graph, dy, b, { transB: 1 - transB })
    const dB = transB
      ? batchMatmul(graph, dy, a, { transA: 1, transB: transA })
      : batchMatmul(graph, a, dy, { transA: 1 - transA })
    return [summedTo(graph, dA, a.shape), summedTo(graph, dB, b.shape)]
  },
}

/** Operands that lie over samples become row-major first. */
export function batchMatmul(
  graph: Builder,
  a: Tensor,
  b: Tensor,
  { transA = 0, transB = 0 }: { transA?: number; transB?: number } = {},
): Tensor {
  const operands = [a, b].map((x) => reshape(graph, x, x.shape, false))
  return graph.apply(BatchMatMul, operands, { transA, transB })[0]
}

/** The leading axes of two operands, broadcast. */
function leading(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length) - 2
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a, b].map((shape) => shape[shape.length - 2 - rank + i] ?? 1)
    check(m === n || m === 1 || n === 1, 'BatchMatMul', () => `cannot broadcast [${a}] and [${b}]`)
    return Math.max(m, n)
  })
}

/** Sums over the leading axes along which an operand was repeated. */
function summedTo(graph: Builder, gradient: Tensor, shape: Shape): Tensor {
  const extra = gradient.shape.length - shape.length
  const axes = gradient.shape.flatMap((n, i) => (i < extra || shape[i - extra] !== n ? [i] : []))
  return axes.length === 0 ? gradient : reshape(graph, reduceSum(graph, gradient, axes), shape, false)
}
