/**
 * @file Values in the order in which they lie: a transposition that is yet to be done is kept by whatever
 * treats axes alike, so that transposes before and after it cancel.
 */
import { rowMajorStrides, sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { moved } from '../folds/fold.ts'
import type { Operation } from '../operation.ts'
import type { Scope } from '../scope.ts'
import { Known, Permuted, type Value } from '../value.ts'

export interface Ordered {
  tensor: Tensor
  /** The axis of `tensor` that an axis of the value is. */
  axis(i: number): number
  /** A result whose axes are those of `tensor`, as a value in the order of axes of the given one. */
  back(result: Tensor): Value
}

/** A value that is computed, or numbers as a constant. */
export function ordered(value: Value | undefined, operation: Operation, scope: Scope): Ordered {
  if (!(value instanceof Permuted))
    return { tensor: scope.tensor(value, operation), axis: (i) => i, back: (result) => result }
  const { of, perm } = value
  return { tensor: of, axis: (i) => perm[i], back: (result) => new Permuted(result, perm) }
}

/** Known numbers that are broadcast to `perm.length` axes, in the order of axes of what is transposed by it. */
export function inOrder(known: Known, perm: readonly number[], operation: Operation): Known {
  if (known.size === 1) return known
  const shape = [...perm.slice(known.shape.length).map(() => 1), ...known.shape]
  const axes = perm.map((_, axis) => perm.indexOf(axis))
  const order = axes.filter((axis) => shape[axis] > 1)
  const target = axes.map((axis) => shape[axis])
  if (order.every((axis, i) => i === 0 || axis > order[i - 1])) return known.reshaped(target)
  const strides = rowMajorStrides(shape)
  return moved(known.reshaped(shape), target, { strides: axes.map((axis) => strides[axis]) }, operation)
}

/** The order of axes that all operands of `rank` axes can be computed in, undefined: that of the values. */
export function commonOrder(values: readonly (Value | undefined)[], rank: number): readonly number[] | undefined {
  const turned = values.filter((value) => value instanceof Permuted)
  const [first] = turned
  if (!first || first.perm.length !== rank) return undefined
  const alike = turned.every(({ perm }) => String(perm) === String(first.perm))
  const fits = values.every((value) => {
    return value instanceof Permuted || value instanceof Known || (value !== undefined && sizeOf(value.shape) === 1)
  })
  return alike && fits ? first.perm : undefined
}
