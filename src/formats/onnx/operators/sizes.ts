/**
 * @file Axes, sizes and places that nodes ask for, counted from the front and checked; the same for known
 * numbers as for what a network computes.
 */
import { type Shape, sizeOf } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, Unsupported } from '../scope.ts'
import type { Value } from '../value.ts'

/** An axis counted from the front. Throws UserError where there is none such. */
export function axisOf(axis: number, rank: number, operation: Operation): number {
  const at = axis < 0 ? axis + rank : axis
  if (Number.isInteger(at) && at >= 0 && at < rank) return at
  throw new UserError(`${operation.label}: expected an axis of ${rank}, found ${axis}`)
}

/** A list of numbers: an input since some opset, an attribute before. */
export function numbers(
  operation: Operation,
  value: Value | undefined,
  name: string,
  scope: Scope,
): number[] | undefined {
  return value === undefined ? operation.integers(name) : scope.known(value, operation, name).list()
}

/** The axes that a reduction is over; undefined where it is over none (`noop_with_empty_axes`). */
export function reducedAxes(
  operation: Operation,
  list: Value | undefined,
  rank: number,
  scope: Scope,
): ReadonlySet<number> | undefined {
  const none = operation.integer('noop_with_empty_axes', 0) !== 0
  const given = numbers(operation, list, 'axes', scope) ?? []
  if (given.length === 0 && none) return undefined
  return new Set(given.length === 0 ? Array(rank).keys() : given.map((axis) => axisOf(axis, rank, operation)))
}

/**
 * The shape that Reshape asks for: 0 stays as it is (unless `allowzero`) and -1 is what is left. With a
 * scope, axis 0 runs over samples, and the number of samples that the file was written for is this batch's.
 */
export function reshaped(from: Shape, asked: readonly number[], operation: Operation, scope?: Scope): number[] {
  const zero = operation.integer('allowzero', 0) === 0
  const target = asked.map((n, i) => (n === 0 && zero ? from[i] : n))
  if (scope && from[0] === scope.batch && target[0] === scope.fixedBatch) target[0] = scope.batch
  const free = target.indexOf(-1)
  if (free >= 0) target[free] = sizeOf(from) / target.reduce((product, n, i) => (i === free ? product : product * n), 1)
  if (sizeOf(target) !== sizeOf(from) || target.some((n) => !(Number.isInteger(n) && n >= 0)))
    throw new Unsupported(`${operation.label}: cannot give [${from}] the shape [${asked}]`)
  return target
}

/** The two axes that Flatten makes. */
export function flattened(from: Shape, operation: Operation): [number, number] {
  const axis = operation.integer('axis', 1)
  const at = axis < 0 ? axis + from.length : axis
  if (!(at >= 0 && at <= from.length))
    throw new UserError(`${operation.label}: expected an axis up to ${from.length}, found ${axis}`)
  return [sizeOf(from.slice(0, at)), sizeOf(from.slice(at))]
}

/** Axes of size 1 at these places of the result. */
export function unsqueezed(from: Shape, axes: readonly number[], operation: Operation): number[] {
  const rank = from.length + axes.length
  const at = new Set(axes.map((axis) => axisOf(axis, rank, operation)))
  if (at.size < axes.length) throw new UserError(`${operation.label}: found the same axis twice in [${axes}]`)
  let next = 0
  return Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : from[next++]))
}

/**
 * First place, length (0: nothing) and step of a slice of an axis of `size`; a negative step goes back from
 * the first place.
 */
function span(start: number, end: number, step: number, size: number, operation: Operation) {
  if (!Number.isInteger(step) || step === 0) throw new UserError(`${operation.label}: found a step of ${step}`)
  const within = (n: number, least: number, most: number) => Math.min(Math.max(n < 0 ? n + size : n, least), most)
  const [from, to] =
    step > 0
      ? [within(start, 0, size), within(end, 0, size)]
      : [within(start, 0, size - 1), end < -size ? -1 : within(end, -1, size - 1)]
  return { from, length: Math.max(0, Math.ceil((to - from) / step)), step }
}

/** Starts, ends, axes and steps of a Slice, per axis of a shape. */
export function sliceSpans(operation: Operation, inputs: readonly (Value | undefined)[], shape: Shape, scope: Scope) {
  const [, starts, ends, axes, steps] = inputs
  const begin = numbers(operation, starts, 'starts', scope) ?? []
  const end = numbers(operation, ends, 'ends', scope) ?? []
  const along = numbers(operation, axes, 'axes', scope) ?? begin.map((_, i) => i)
  const step = numbers(operation, steps, 'steps', scope) ?? begin.map(() => 1)
  if ([end, along, step].some(({ length }) => length !== begin.length))
    throw new UserError(
      `${operation.label}: expected as many starts, ends, axes and steps, found [${begin}], [${end}], [${along}] and [${step}]`,
    )
  const spans = shape.map((length) => ({ from: 0, length, step: 1 }))
  along.forEach((axis, i) => {
    const at = axisOf(axis, shape.length, operation)
    spans[at] = span(begin[i], end[i], step[i], shape[at], operation)
  })
  return spans
}

/**
 * Lengths of the parts that Split cuts `size` into: those that it lists, else as many equal ones as it has
 * outputs, of which the last may be shorter.
 */
export function splitLengths(operation: Operation, list: Value | undefined, size: number, scope: Scope): number[] {
  const parts = operation.integer('num_outputs', operation.outputs.length)
  const given = numbers(operation, list, 'split', scope)
  const each = Math.ceil(size / parts)
  const lengths = given ?? Array.from({ length: parts }, (_, i) => Math.min(each, size - i * each))
  const sum = lengths.reduce((total, n) => total + n, 0)
  if (lengths.length !== operation.outputs.length || sum !== size || lengths.some((n) => !(n >= 0)))
    throw new UserError(`${operation.label}: expected ${operation.outputs.length} parts of ${size}, found [${lengths}]`)
  return lengths
}

const PAD_MODES = ['constant', 'reflect', 'edge', 'wrap'] as const
export type PadMode = (typeof PAD_MODES)[number]

/**
 * Places that Pad adds before and after each axis (below 0: takes away), how, and what it fills them with.
 * Throws Unsupported where they are not constants.
 */
export function padding(
  operation: Operation,
  [, list, value, some]: readonly (Value | undefined)[],
  shape: Shape,
  scope: Scope,
): { before: number[]; after: number[]; fill: number; mode: PadMode } {
  const told = operation.text('mode', 'constant')
  const mode = PAD_MODES.find((one) => one === told)
  if (!mode) throw new Unsupported(`${operation.label}: expected the mode ${PAD_MODES.join(', ')}, found ${told}`)
  const fill = value === undefined ? operation.float('value', 0) : scope.known(value, operation, 'value').values[0]
  const pads = numbers(operation, list, 'pads', scope) ?? []
  const axes = some === undefined ? [...shape.keys()] : scope.known(some, operation, 'axes').list()
  if (pads.length !== 2 * axes.length)
    throw new Unsupported(`${operation.label}: expected two pads for each of ${axes.length} axes, found [${pads}]`)
  const [before, after] = [shape.map(() => 0), shape.map(() => 0)]
  axes.forEach((axis, i) => {
    const at = axisOf(axis, shape.length, operation)
    before[at] = pads[i]
    after[at] = pads[axes.length + i]
  })
  return { before, after, fill, mode }
}

/** The place of an axis of `size` that is at place i of what is padded; -1: none. */
export function paddedPlace(i: number, size: number, mode: PadMode): number {
  if (i >= 0 && i < size) return i
  const modulo = (n: number) => ((i % n) + n) % n
  if (mode === 'wrap') return modulo(size)
  if (mode === 'edge') return i < 0 ? 0 : size - 1
  if (mode === 'constant') return -1
  if (size === 1) return 0
  const place = modulo(2 * size - 2)
  return place < size ? place : 2 * size - 2 - place
}
