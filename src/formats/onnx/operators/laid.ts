/**
 * @file Operators on some axes of a value: where a transposition is yet to come, they work on what it is to
 * be done to.
 */
import { reshape } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import type { Scope } from '../scope.ts'
import { Permuted, type Value } from '../value.ts'
import { rowMajor } from './layouts.ts'

/** A value as it lies. */
export interface Laid {
  x: Tensor
  /** Axis i of the value is axis perm[i] of x. */
  perm: readonly number[]
  /** The value that a tensor with the axes of x is. */
  back(y: Tensor): Value
}

/** A value as it lies, row-major where an operator changes the axis of x that may run over samples. */
export function laid(
  value: Value | undefined,
  operation: Operation,
  scope: Scope,
  changed: (axis: number) => boolean,
): Laid {
  const [of, perm] =
    value instanceof Permuted
      ? [value.of, value.perm]
      : ((x: Tensor) => [x, x.shape.map((_, axis) => axis)] as const)(scope.tensor(value, operation))
  const x = of.batched && changed(perm.indexOf(0)) ? rowMajor(scope.graph, of) : of
  return { x, perm, back: (y) => (value instanceof Permuted ? new Permuted(y, perm) : y) }
}

/** The same numbers for the axes of x as they lie. */
export function byLaid<T>(perm: readonly number[], values: readonly T[]): T[] {
  const result = [...values]
  perm.forEach((axis, i) => {
    result[axis] = values[i]
  })
  return result
}

/** A value without some axes of size 1; the transposition of the others is still to come. */
export function withoutAxes({ of, perm }: Permuted, axes: readonly number[], { graph }: Scope): Value {
  const gone = axes.map((axis) => perm[axis])
  const left = perm.filter((_, i) => !axes.includes(i))
  const order = left.map((axis) => axis - gone.filter((one) => one < axis).length)
  const x = gone.includes(0) ? rowMajor(graph, of) : of
  const y = reshape(
    graph,
    x,
    of.shape.filter((_, i) => !gone.includes(i)),
    x.batched,
  )
  return order.every((axis, i) => axis === i) ? y : new Permuted(y, order)
}
