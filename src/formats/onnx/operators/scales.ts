/** @file Scales and zero points of quantized numbers: one for all, or for each place of an axis or block. */
import { type Shape, sizeOf } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import { computed, moved } from '../folds/fold.ts'
import type { Operation } from '../operation.ts'
import { eachRun, inOrder, repeated } from '../strided.ts'
import type { Known } from '../value.ts'
import { axisOf } from './sizes.ts'

/**
 * Known scales or zero points of numbers of some shape, to be broadcast to it. One for each place lies along
 * the attribute `axis` (default 1); with `block_size` each is for so many places of it.
 */
export function scalesFor(known: Known, shape: Shape, operation: Operation): Known {
  const block = operation.integer('block_size', 0)
  const asked = operation.integer('axis', 1)
  if (known.size === 1) return known.reshaped([])
  const axis = axisOf(asked, shape.length, operation)
  if (block > 0) return perBlock(known, shape, { axis, block, operation })
  if (known.shape.length !== 1 || known.size !== shape[axis])
    throw new UserError(
      `${operation.label}: expected one scale or one for each of ${shape[axis]} places, found [${known.shape}]`,
    )
  return known.reshaped(shape.map((n, i) => (i === axis ? n : 1)))
}

function perBlock(
  known: Known,
  shape: Shape,
  { axis, block, operation }: { axis: number; block: number; operation: Operation },
): Known {
  const blocks = Math.ceil(shape[axis] / block)
  const expected = shape.map((n, i) => (i === axis ? blocks : n))
  if (String(expected) !== String(known.shape))
    throw new UserError(
      `${operation.label}: expected scales [${expected}] for blocks of ${block}, found [${known.shape}]`,
    )
  const { strides } = inOrder(known.shape)
  const apart = [...shape.slice(0, axis), blocks, block, ...shape.slice(axis + 1)]
  const walk = { strides: [...strides.slice(0, axis + 1), 0, ...strides.slice(axis + 1)] }
  const whole = shape.map((n, i) => (i === axis ? blocks * block : n))
  const all = moved(known, apart, walk, operation).reshaped(whole)
  return sizeOf(whole) === sizeOf(shape) ? all : moved(all, shape, inOrder(whole), operation)
}

/** A function of known numbers and others that are broadcast to their shape, in single precision. */
export function eachKnown(
  known: Known,
  others: readonly Known[],
  operation: Operation,
  apply: (x: number, others: readonly number[]) => number,
): Known {
  const { shape, values } = known
  return computed(shape, 'F32', operation, (out) => {
    const walks = [inOrder(shape), ...others.map((other) => repeated(other.shape, shape))]
    eachRun(shape, walks, (length, [at, ...places], [step, ...steps]) => {
      for (let i = 0; i < length; i++)
        out[at + i * step] = apply(
          values[at + i * step],
          others.map((other, k) => other.values[places[k] + i * steps[k]]),
        )
    })
  })
}
