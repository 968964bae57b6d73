/**
 * @file Matrix products (ONNX Gemm, MatMul of two matrices).
 */
import type { Graph } from '../graph.ts'
import { type Attributes, attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, type Tensor, type TensorType } from '../tensor.ts'
import { add, mul } from './elementwise.ts'
import { reduceSum, reshape } from './shape.ts'

/**
 * Y = A' B' (+ c): A' = A or its transpose (`transA`), B' likewise (`transB`), c a row that is added to every
 * row of Y (a bias). `alpha` and `beta` other than 1 are written with Mul (see {@link gemm}).
 */
export const Gemm: Operator = {
  name: 'Gemm',
  weight: 1,
  infer: (inputs, attributes) => [product('Gemm', inputs, attributes)],
  gradient: (graph, { inputs: [a, b, c], attributes }, [dy]) => {
    if (!dy) return [undefined, undefined, undefined]
    const { transA, transB } = transposes(attributes)
    const dA = transA ? gemm(graph, b, dy, { transA: transB, transB: 1 }) : gemm(graph, dy, b, { transB: 1 - transB })
    const dB = transB ? gemm(graph, dy, a, { transA: 1, transB: transA }) : gemm(graph, a, dy, { transA: 1 - transA })
    return [dA, dB, c && reshape(graph, reduceSum(graph, dy, [0]), c.shape, false)]
  },
}

/** Y = A B for two matrices. */
export const MatMul: Operator = {
  name: 'MatMul',
  weight: 1,
  infer: (inputs) => [product('MatMul', inputs.slice(0, 2), {})],
  gradient: (graph, { inputs: [a, b] }, [dy]) =>
    dy ? [gemm(graph, dy, b, { transB: 1 }), gemm(graph, a, dy, { transA: 1 })] : [undefined, undefined],
}

export interface GemmOptions {
  bias?: Tensor
  transA?: number
  transB?: number
  alpha?: number
  beta?: number
}

/** Y = alpha A' B' + beta c. Shapes: A' [M, K], B' [K, N], bias [N], Y [M, N]. */
export function gemm(graph: Builder, a: Tensor, b: Tensor, options: GemmOptions = {}): Tensor {
  const { bias, transA = 0, transB = 0, alpha = 1, beta = 1 } = options
  if (alpha === 1 && beta === 1) return graph.apply(Gemm, bias ? [a, b, bias] : [a, b], { transA, transB })[0]
  const y = mul(graph, graph.apply(Gemm, [a, b], { transA, transB })[0], graph.constant(alpha))
  return bias ? add(graph, y, mul(graph, bias, graph.constant(beta))) : y
}

export const matmul = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(MatMul, [a, b])[0]

/**
 * A linear layer: x [N, in] to [N, out], weight [out, in], as PyTorch's Linear and ONNX's Gemm with transB.
 */
export function linear(graph: Graph, x: Tensor, name: string, out: number, { bias = true } = {}): Tensor {
  const fan = { in: x.shape[1], out }
  const weight = graph.parameter(`${name}.weight`, [out, x.shape[1]], fan)
  return gemm(graph, x, weight, { transB: 1, bias: bias ? graph.parameter(`${name}.bias`, [out], fan) : undefined })
}

/** Transposes of a Gemm or MatMul node, 0 or 1. */
export function transposes(attributes: Attributes): { transA: number; transB: number } {
  return { transA: attribute(attributes, 'transA', 0), transB: attribute(attributes, 'transB', 0) }
}

function product(operator: string, [a, b, c]: readonly Tensor[], attributes: Attributes): TensorType {
  const { transA, transB } = transposes(attributes)
  check(a.shape.length === 2 && b.shape.length === 2, operator, () => {
    return `expected two matrices, found ${describe(a)} and ${describe(b)}`
  })
  const [m, k] = transA ? [a.shape[1], a.shape[0]] : a.shape
  const [k2, n] = transB ? [b.shape[1], b.shape[0]] : b.shape
  check(k === k2, operator, () => {
    return `inner sizes differ: ${describe(a)}${transA ? ' transposed' : ''} has ${k} columns, ${describe(b)}${transB ? ' transposed' : ''} has ${k2} rows`
  })
  check(
    !c || (c.shape.length === 1 && c.shape[0] === n),
    operator,
    () => `expected a bias of ${n}, found ${describe(c)}`,
  )
  return { shape: [m, n], batched: a.batched && !transA }
}
