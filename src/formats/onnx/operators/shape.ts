/** @file Operators that move or repeat elements. Axis 0 runs over samples and stays where it is. */
import { concat, expand, pad, reshape, slice } from '../../../graph/operators/shape.ts'
import { type Shape, sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Permuted, type Value } from '../value.ts'

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

/** The shape that Reshape asks for: 0 stays as it is (unless `allowzero`), -1 is what is left, and a fixed number of samples is this batch's. */
export function reshaped(from: Shape, asked: readonly number[], operation: Operation, scope?: Scope): number[] {
  const zero = operation.integer('allowzero', 0) === 0
  const target = asked.map((n, i) => (n === 0 && zero ? from[i] : n))
  const { batch, fixedBatch } = scope ?? {}
  const rest = () => target.reduce((product, n) => (n === -1 ? product : product * n), 1)
  if (fixedBatch !== undefined && batch !== fixedBatch && target[0] === fixedBatch && from[0] === batch) {
    const exact = target.includes(-1) ? sizeOf(from) % rest() === 0 && fixedBatch !== 1 : rest() === sizeOf(from)
    if (!exact) target[0] = batch!
  }
  const free = target.indexOf(-1)
  if (free >= 0) target[free] = sizeOf(from) / rest()
  if (sizeOf(target) !== sizeOf(from) || target.some((n) => !Number.isInteger(n)))
    throw new Unsupported(`${operation.label}: cannot give [${from}] the shape [${asked}]`)
  return target
}

const toShape = (operation: Operation, value: Value | undefined, shape: (from: Shape) => Shape, scope: Scope) => {
  const x = scope.tensor(value, operation)
  return [reshape(scope.graph, x, shape(x.shape))]
}

/** First place, length and step of a slice of an axis of `size`; a negative step goes back from the first place. */
function span(start: number, end: number, step: number, size: number, operation: Operation) {
  if (!Number.isInteger(step) || step === 0) throw new UserError(`${operation.label}: found a step of ${step}`)
  const within = (n: number, least: number, most: number) => Math.min(Math.max(n < 0 ? n + size : n, least), most)
  const [from, to] =
    step > 0
      ? [within(start, 0, size), within(end, 0, size)]
      : [within(start, 0, size - 1), end < -size ? -1 : within(end, -1, size - 1)]
  const length = Math.ceil((to - from) / step)
  if (length < 1) throw new Unsupported(`${operation.label}: an empty slice is not supported`)
  return { from, length, step }
}

/** Starts, ends, axes and steps of a Slice, per axis of a shape. */
export function sliceSpans(operation: Operation, inputs: readonly (Value | undefined)[], shape: Shape, scope: Scope) {
  const [, starts, ends, axes, steps] = inputs
  const begin = numbers(operation, starts, 'starts', scope) ?? []
  const end = numbers(operation, ends, 'ends', scope) ?? []
  const along = numbers(operation, axes, 'axes', scope) ?? begin.map((_, i) => i)
  const step = numbers(operation, steps, 'steps', scope) ?? begin.map(() => 1)
  const spans = shape.map((length) => ({ from: 0, length, step: 1 }))
  along.forEach((axis, i) => {
    const at = axisOf(axis, shape.length, operation)
    spans[at] = span(begin[i], end[i], step[i], shape[at], operation)
  })
  return spans
}

function part(scope: Scope, x: Tensor, axis: number, from: number, length: number): Tensor {
  const starts = x.shape.map((_, i) => (i === axis ? from : 0))
  return slice(
    scope.graph,
    x,
    starts,
    x.shape.map((n, i) => (i === axis ? length : n)),
  )
}

const keepsSamples = (axis: number, operation: Operation) => {
  if (axis === 0) throw new Unsupported(`${operation.label}: it takes the samples of a batch apart`)
}

export const shape: Record<string, Translator> = {
  Identity: (_operation, [x]) => [x],
  Cast: (operation, [x], scope) => [scope.tensor(x, operation)],
  Transpose: (operation, [x], scope) => {
    if (x === undefined) throw new UserError(`${operation.label} lacks an input`)
    const rank = x.shape.length
    const perm = operation.integers('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i))
      throw new UserError(`${operation.label}: expected an order of ${rank} axes, found [${perm}]`)
    const [of, whole] =
      x instanceof Permuted ? [x.of, perm.map((axis) => x.perm[axis])] : [scope.tensor(x, operation), perm]
    return [whole.every((axis, i) => axis === i) ? of : new Permuted(of, whole)]
  },
  Reshape: (operation, [x, target], scope) => {
    const asked = numbers(operation, target, 'shape', scope)
    if (!asked) throw new UserError(`${operation.label} lacks its shape`)
    return toShape(operation, x, (from) => reshaped(from, asked, operation, scope), scope)
  },
  Flatten: (operation, [x], scope) => {
    const size = (part: Shape) => part.reduce((product, n) => product * n, 1)
    return toShape(
      operation,
      x,
      (from) => {
        const axis = operation.integer('axis', 1)
        const at = axis < 0 ? axis + from.length : axis
        return [size(from.slice(0, at)), size(from.slice(at))]
      },
      scope,
    )
  },
  Squeeze: (operation, [x, list], scope) =>
    toShape(
      operation,
      x,
      (from) => {
        const axes = numbers(operation, list, 'axes', scope)?.map((axis) => axisOf(axis, from.length, operation))
        return from.filter((n, i) => (axes ? !axes.includes(i) : n !== 1 || i === 0))
      },
      scope,
    ),
  Unsqueeze: (operation, [x, list], scope) =>
    toShape(operation, x, (from) => unsqueezed(from, numbers(operation, list, 'axes', scope) ?? [], operation), scope),
  Concat: (operation, inputs, scope) => {
    const tensors = inputs.map((value) => scope.tensor(value, operation))
    return [concat(scope.graph, tensors, axisOf(operation.integer('axis', 1), tensors[0].shape.length, operation))]
  },
  Slice: (operation, inputs, scope) => {
    const x = scope.tensor(inputs[0], operation)
    const spans = sliceSpans(operation, inputs, x.shape, scope)
    if (spans[0].length !== x.shape[0]) keepsSamples(0, operation)
    if (spans.some(({ step }) => step < 0))
      throw new Unsupported(`${operation.label}: a slice in reverse order is not supported`)
    return [
      slice(
        scope.graph,
        x,
        spans.map(({ from }) => from),
        spans.map(({ length }) => length),
        spans.map(({ step }) => step),
      ),
    ]
  },
  Split: (operation, [x, list], scope) => {
    const tensor = scope.tensor(x, operation)
    const axis = axisOf(operation.integer('axis', 0), tensor.shape.length, operation)
    keepsSamples(axis, operation)
    const [size, parts] = [tensor.shape[axis], operation.outputs.length]
    const each = Math.ceil(size / parts)
    const lengths =
      numbers(operation, list, 'split', scope) ?? operation.outputs.map((_, i) => Math.min(each, size - i * each))
    let from = 0
    return lengths.map((length) => {
      const result = part(scope, tensor, axis, from, length)
      from += length
      return result
    })
  },
  Gather: (operation, [x, index], scope) => {
    const tensor = scope.tensor(x, operation)
    const at = scope.known(index, operation, 'index')
    const axis = axisOf(operation.integer('axis', 0), tensor.shape.length, operation)
    keepsSamples(axis, operation)
    if (at.size !== 1) throw new Unsupported(`${operation.label}: gathering ${at.size} places is not supported`)
    const place = axisOf(at.list()[0], tensor.shape[axis], operation)
    const one = part(scope, tensor, axis, place, 1)
    return [
      at.shape.length === 0
        ? reshape(
            scope.graph,
            one,
            one.shape.filter((_, i) => i !== axis),
          )
        : one,
    ]
  },
  Pad: (operation, [x, list, value], scope) => {
    const tensor = scope.tensor(x, operation)
    const mode = operation.text('mode', 'constant')
    const fill = value === undefined ? operation.float('value', 0) : scope.known(value, operation, 'value').list()[0]
    if (mode !== 'constant' || fill !== 0)
      throw new Unsupported(`${operation.label}: only padding with zeros is supported, found ${mode} ${fill}`)
    const pads = numbers(operation, list, 'pads', scope) ?? []
    const rank = tensor.shape.length
    if (pads.length !== 2 * rank || pads.some((n) => !(n >= 0)) || pads[0] + pads[rank] > 0)
      throw new Unsupported(`${operation.label}: padding of [${pads}] is not supported`)
    return [pad(scope.graph, tensor, pads.slice(0, rank), pads.slice(rank))]
  },
  Expand: (operation, [x, target], scope) => {
    const tensor = scope.tensor(x, operation)
    const asked = scope.known(target, operation, 'shape').list()
    const rank = Math.max(asked.length, tensor.shape.length)
    const size = Array.from({ length: rank }, (_, i) =>
      Math.max(asked[asked.length - rank + i] ?? 1, tensor.shape[tensor.shape.length - rank + i] ?? 1),
    )
    return [expand(scope.graph, tensor, size, tensor.batched && rank === tensor.shape.length)]
  },
}

/** Axes of size 1 at these places of the result. */
export function unsqueezed(from: Shape, axes: readonly number[], operation: Operation): number[] {
  const rank = from.length + axes.length
  const at = new Set(axes.map((axis) => axisOf(axis, rank, operation)))
  let next = 0
  return Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : from[next++]))
}
