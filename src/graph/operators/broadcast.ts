/** @file NumPy's broadcasting, and what undoes it in gradients. */
import { type Builder, check } from '../operator.ts'
import { sameShape, type Tensor, type TensorType } from '../tensor.ts'
import { reduceSum, reshape } from './shape.ts'

/**
 * The type of an elementwise result: shapes are aligned at the last axis, where sizes are equal or 1. It runs
 * over samples if an operand that spans all its axes does. Throws ShapeError where shapes do not fit.
 */
export function broadcast(operator: string, operands: readonly Tensor[]): TensorType {
  const rank = Math.max(...operands.map(({ shape }) => shape.length))
  const shape = Array.from({ length: rank }, (_, i) => {
    const sizes = operands.map((operand) => operand.shape[operand.shape.length - rank + i] ?? 1)
    const size = Math.max(...sizes)
    check(
      sizes.every((n) => n === size || n === 1),
      operator,
      () =>
        `shapes cannot be broadcast together: ${operands.map((operand) => `[${operand.shape.join(', ')}]`).join(' and ')}`,
    )
    return size
  })
  return { shape, batched: operands.some((operand) => operand.batched && operand.shape.length === rank) }
}

/** The gradient of a broadcast: sums over the axes along which `like` was repeated. */
export function undoBroadcast(graph: Builder, dy: Tensor, like: Tensor): Tensor {
  if (sameShape(dy.shape, like.shape)) return reshape(graph, dy, like.shape, like.batched)
  const extra = dy.shape.length - like.shape.length
  const axes = dy.shape.map((_, i) => i).filter((i) => i < extra || like.shape[i - extra] !== dy.shape[i])
  return reshape(graph, reduceSum(graph, dy, axes), like.shape, like.batched)
}
