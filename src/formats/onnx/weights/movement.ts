/** @file Operators that only move, repeat or leave out elements of a tensor, and where each element goes. */
import { sizeOf } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { alongAxes, broadcast, type Movement, placesOfSums, spread, stridesOf, upTo } from './numbers.ts'

/** What a node says of how it moves elements. */
export interface Moving {
  operation: Operation
  /** Of the tensor whose elements are moved, and which input it is. */
  shape: readonly number[]
  slot: number
  /** Which output is asked for. */
  output: number
  /** Numbers of an input; undefined where it is absent or not known. */
  numbers(input: number): readonly number[] | undefined
  /** Shape of an input; undefined where it is not known. */
  shapeOf(input: number): readonly number[] | undefined
}

/** Undefined: where the elements go cannot be told, though they go somewhere. */
type Mover = (moving: Moving) => Movement | undefined

const reshape: Mover = (moving) => {
  const { operation, shape } = moving
  const zero = operation.integer('allowzero', 0) === 0
  const target = listOf(moving, 1, 'shape')?.map((n, i) => (n === 0 && zero ? shape[i] : n))
  if (!target) return undefined
  const rest = target.reduce((product, n) => (n === -1 ? product : product * n), 1)
  const to = target.map((n) => (n === -1 ? sizeOf(shape) / rest : n))
  return sizeOf(to) === sizeOf(shape) && to.every(Number.isInteger) ? { shape: to } : undefined
}

const flatten: Mover = ({ operation, shape }) => {
  const axis = operation.integer('axis', 1)
  const at = axis < 0 ? axis + shape.length : axis
  return { shape: [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))] }
}

const squeeze: Mover = (moving) => {
  const { shape, operation } = moving
  const list = listOf(moving, 1, 'axes')
  if (!list && operation.inputs[1]) return undefined
  const axes = list?.map((axis) => axisOf(axis, shape.length))
  return { shape: shape.filter((n, i) => (axes ? !axes.includes(i) : n !== 1)) }
}

const unsqueeze: Mover = (moving) => {
  const list = listOf(moving, 1, 'axes')
  if (!list) return undefined
  const rank = moving.shape.length + list.length
  const axes = list.map((axis) => axisOf(axis, rank))
  const left = [...moving.shape]
  return { shape: upTo(rank).map((i) => (axes.includes(i) ? 1 : (left.shift() ?? 1))) }
}

const transpose: Mover = ({ operation, shape }) => {
  const perm = operation.integers('perm') ?? upTo(shape.length).reverse()
  if (perm.length !== shape.length || shape.some((_, axis) => !perm.includes(axis))) return undefined
  const strides = stridesOf(shape)
  return {
    shape: perm.map((axis) => shape[axis]),
    from: () => placesOfSums(perm.map((axis) => upTo(shape[axis]).map((i) => i * strides[axis]))),
  }
}

const slice: Mover = (moving) => {
  const { shape } = moving
  const [starts, ends] = [listOf(moving, 1, 'starts'), listOf(moving, 2, 'ends')]
  if (!starts || !ends || unknown(moving, 3) || unknown(moving, 4)) return undefined
  const axes = (listOf(moving, 3, 'axes') ?? upTo(starts.length)).map((axis) => axisOf(axis, shape.length))
  const steps = moving.numbers(4) ?? starts.map(() => 1)
  const spans = shape.map((length, axis) => {
    const at = axes.indexOf(axis)
    return at < 0 ? { from: 0, length, step: 1 } : span(starts[at], ends[at], steps[at], length)
  })
  return alongAxes(
    shape,
    spans.map(({ length }) => length),
    (axis, i) => spans[axis].from + i * spans[axis].step,
  )
}

/** First place, number of places and step of a slice of an axis. */
function span(start: number, end: number, step: number, size: number) {
  const within = (n: number, least: number, most: number) => Math.min(Math.max(n < 0 ? n + size : n, least), most)
  const from = step > 0 ? within(start, 0, size) : within(start, 0, size - 1)
  const to = step > 0 ? within(end, 0, size) : end < -size ? -1 : within(end, -1, size - 1)
  const length = Math.max(0, Math.ceil((to - from) / step))
  return { from, length: Number.isFinite(length) ? length : 0, step }
}

const split: Mover = (moving) => {
  const { operation, shape, output } = moving
  const axis = axisOf(operation.integer('axis', 0), shape.length)
  if (unknown(moving, 1)) return undefined
  const parts = operation.outputs.length
  const each = Math.ceil(shape[axis] / parts)
  const sizes =
    listOf(moving, 1, 'split') ?? upTo(parts).map((i) => Math.max(0, Math.min(each, shape[axis] - i * each)))
  const before = sizes.slice(0, output).reduce((sum, n) => sum + n, 0)
  if (!(before + sizes[output] <= shape[axis])) return undefined
  const lengths = shape.map((length, at) => (at === axis ? sizes[output] : length))
  return alongAxes(shape, lengths, (at, i) => (at === axis ? before + i : i))
}

const gather: Mover = ({ operation, shape, numbers, shapeOf }) => {
  const axis = axisOf(operation.integer('axis', 0), shape.length)
  const [indices, inner] = [numbers(1), shapeOf(1)]
  if (!indices || !inner) return undefined
  const places = indices.map((i) => (i < 0 ? i + shape[axis] : i))
  if (places.some((i) => !(i >= 0 && i < shape[axis]))) return undefined
  const lengths = shape.map((length, at) => (at === axis ? places.length : length))
  const movement = alongAxes(shape, lengths, (at, i) => (at === axis ? places[i] : i))
  return { ...movement, shape: [...shape.slice(0, axis), ...inner, ...shape.slice(axis + 1)] }
}

const concat: Mover = ({ operation, slot, shapeOf, shape }) => {
  const shapes = operation.inputs.map((_, i) => shapeOf(i))
  const axis = axisOf(operation.integer('axis', 1), shape.length)
  if (!shapes.every((one) => one !== undefined)) return undefined
  const total = (of: readonly (readonly number[])[]) => of.reduce((sum, one) => sum + one[axis], 0)
  const before = total(shapes.slice(0, slot))
  const lengths = shape.map((length, at) => (at === axis ? total(shapes) : length))
  const own = (i: number) => (i >= before && i < before + shape[axis] ? i - before : -1)
  return alongAxes(shape, lengths, (at, i) => (at === axis ? own(i) : i))
}

const pad: Mover = (moving) => {
  const { operation, shape } = moving
  const pads = listOf(moving, 1, 'pads') ?? operation.integers('paddings')
  if (unknown(moving, 3) || operation.text('mode', 'constant') !== 'constant') return undefined
  const axes = (moving.numbers(3) ?? upTo(shape.length)).map((axis) => axisOf(axis, shape.length))
  if (pads?.length !== 2 * axes.length) return undefined
  const padded = shape.map((length, axis) => {
    const at = axes.indexOf(axis)
    return at < 0 ? { before: 0, length } : { before: pads[at], length: length + pads[at] + pads[at + axes.length] }
  })
  const lengths = padded.map(({ length }) => Math.max(0, length))
  return alongAxes(shape, lengths, (axis, i) => {
    const at = i - padded[axis].before
    return at < shape[axis] ? at : -1
  })
}

const expand: Mover = ({ shape, numbers }) => {
  const to = broadcast(shape, numbers(1) ?? [-1])
  return numbers(1) && to && spread(shape, to)
}

const tile: Mover = ({ shape, numbers }) => {
  const times = numbers(1)
  if (times?.length !== shape.length) return undefined
  const lengths = shape.map((length, axis) => length * times[axis])
  return alongAxes(shape, lengths, (axis, i) => i % shape[axis])
}

const asTheyAre: Mover = ({ shape }) => ({ shape })

/** By name; of Concat all inputs are moved, of others the first. */
const movers: Readonly<Record<string, Mover>> = {
  Identity: asTheyAre,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Slice: slice,
  Split: split,
  Gather: gather,
  Concat: concat,
  Pad: pad,
  Expand: expand,
  Tile: tile,
}

/** Whether a node only moves the elements of an input. */
export const moves = ({ op }: Operation, slot: number): boolean =>
  Object.hasOwn(movers, op) && (slot === 0 || op === 'Concat')

/** Whether not all elements of the input need be in what it makes. */
export const takesApart = ({ op }: Operation): boolean => ['Slice', 'Split', 'Gather', 'Pad'].includes(op)

/** Undefined: where the elements go cannot be told, though they go somewhere. */
export function movementOf(moving: Moving): Movement | undefined {
  const movement = movers[moving.operation.op](moving)
  const whole = movement?.shape.every((n) => Number.isSafeInteger(n) && n >= 0)
  return whole ? movement : undefined
}

/** A list of numbers: an input since some opset, an attribute before. */
const listOf = ({ operation, numbers }: Moving, input: number, attribute: string): readonly number[] | undefined =>
  operation.inputs[input] ? numbers(input) : operation.integers(attribute)

/** Whether an input is there whose numbers are not known. */
const unknown = ({ operation, numbers }: Moving, input: number): boolean =>
  Boolean(operation.inputs[input]) && numbers(input) === undefined

const axisOf = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis)
