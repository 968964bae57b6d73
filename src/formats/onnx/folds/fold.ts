/**
 * @file What computes a node from known numbers, and what all of these share: room for results, their sizes
 * and types.
 */
import { type Shape, sizeOf } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { DType } from '../../safetensors-bytes.ts'
import { roomFor, settle } from '../element-type.ts'
import type { Operation } from '../operation.ts'
import { type Scope, Unsupported } from '../scope.ts'
import { eachRun, inOrder, type Walk } from '../strided.ts'
import { Known } from '../value.ts'

/**
 * The outputs of a node whose inputs are all known. Missing inputs are undefined. Undefined: what it asks for
 * is computed as a graph (run-fold.ts).
 */
export type Fold = (operation: Operation, inputs: readonly (Known | undefined)[], scope: Scope) => Known[] | undefined

/** The most numbers that one node computes from constants: 256 MiB of floats. */
const MOST = 2 ** 26

export function needed(known: Known | undefined, operation: Operation): Known {
  if (!known) throw new UserError(`${operation.label} lacks an input`)
  return known
}

/** The number of elements of a result. Throws Unsupported where they are too many to compute. */
export function bounded(shape: Shape, operation: Operation): number {
  if (shape.some((n) => !(Number.isInteger(n) && n >= 0)))
    throw new Unsupported(`${operation.label}: it makes numbers of the impossible shape [${shape}]`)
  const count = sizeOf(shape)
  if (count <= MOST) return count
  throw new Unsupported(`${operation.label}: it computes ${count} numbers from constants, expected at most ${MOST}`)
}

/** Computes a result of a type: `fill` writes its numbers, row-major, into zeros. */
export function computed(
  shape: Shape,
  type: DType,
  operation: Operation,
  fill: (out: Float32Array | Float64Array) => void,
): Known {
  const out = roomFor(type, bounded(shape, operation))
  fill(out)
  if (!settle(type, out))
    throw new Unsupported(
      `${operation.label}: a whole number that it computes from constants is beyond 2^53, or no number`,
    )
  return new Known(shape, () => out, { type })
}

/** Numbers of x at other places: `walk` says where in x each element of the result lies. */
export const moved = (x: Known, shape: Shape, walk: Walk, operation: Operation): Known =>
  computed(shape, x.type, operation, (out) => copy(out, inOrder(shape), x, walk, shape))

/** Copies a block of `shape` from x into `out`. */
export function copy(out: Float32Array | Float64Array, to: Walk, { values }: Known, from: Walk, shape: Shape): void {
  eachRun(shape, [to, from], (length, [at, place], [step, stride]) => {
    for (let i = 0; i < length; i++) out[at + i * step] = values[place + i * stride]
  })
}
