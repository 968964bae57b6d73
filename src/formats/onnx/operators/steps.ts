/** @file Values taken apart along an axis and put together again, step by step, known or computed. */
import { concat, reshape, slice } from '../../../graph/operators/shape.ts'
import { rowMajorStrides, sameShape, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import { computed, copy, moved } from '../folds/fold.ts'
import type { Operation } from '../operation.ts'
import type { Scope } from '../scope.ts'
import { inOrder } from '../strided.ts'
import { Known, Permuted, type Value } from '../value.ts'
import { rowMajor } from './layouts.ts'

/** A value at one place of an axis, which the result has not. */
export function stepAt(value: Value, axis: number, place: number, scope: Scope, operation: Operation): Value {
  const without = value.shape.filter((_, i) => i !== axis)
  if (value instanceof Known) {
    const strides = rowMajorStrides(value.shape)
    const walk = { strides: strides.filter((_, i) => i !== axis), offset: place * strides[axis] }
    return moved(value, without, walk, operation)
  }
  if (value instanceof Permuted) {
    const gone = value.perm[axis]
    const of = tensorAt(value.of, gone, place, scope)
    const perm = value.perm.filter((_, i) => i !== axis).map((one) => (one > gone ? one - 1 : one))
    return perm.every((one, i) => one === i) ? of : new Permuted(of, perm)
  }
  return tensorAt(value, axis, place, scope)
}

function tensorAt(x: Tensor, axis: number, place: number, { graph }: Scope): Tensor {
  const from = axis === 0 ? rowMajor(graph, x) : x
  const one = slice(
    graph,
    from,
    from.shape.map((_, i) => (i === axis ? place : 0)),
    from.shape.map((n, i) => (i === axis ? 1 : n)),
  )
  const shape = from.shape.filter((_, i) => i !== axis)
  return reshape(graph, one, shape, from.batched)
}

/** Values of one shape one behind the other along a new axis. */
export function stacked(values: readonly Value[], axis: number, scope: Scope, operation: Operation): Value {
  const [{ shape }] = values
  const other = values.find((value) => !sameShape(value.shape, shape))
  if (other)
    throw new UserError(
      `${operation.label}: expected one shape in all of its steps, found [${shape}] and [${other.shape}]`,
    )
  const whole = shape.toSpliced(axis, 0, values.length)
  const known = values.filter((value) => value instanceof Known)
  if (known.length === values.length) {
    const { strides } = inOrder(whole)
    const inner = strides.filter((_, i) => i !== axis)
    return computed(whole, known[0].type, operation, (out) => {
      known.forEach((part, i) => {
        copy(out, { strides: inner, offset: i * strides[axis] }, part, inOrder(shape), shape)
      })
    })
  }
  const { graph } = scope
  const tensors = values.map((value) => scope.tensor(value, operation))
  const samples = axis > 0 && tensors.every(({ batched }) => batched)
  const one = shape.toSpliced(axis, 0, 1)
  const parts = tensors.map((x) => reshape(graph, samples ? x : rowMajor(graph, x), one, samples))
  return parts.length === 1 ? parts[0] : concat(graph, parts, axis)
}
