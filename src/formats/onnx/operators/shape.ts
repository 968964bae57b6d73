/** @file Operators that move or repeat elements. Axis 0 runs over samples and stays where it is. */
import { concat, expand, pad, reshape, slice } from '../../../graph/operators/shape.ts'
import { type Shape, sameShape, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Permuted, type Value } from '../value.ts'
import { rowMajor } from './layouts.ts'
import { perSample } from './samples.ts'
import { axisOf, flattened, numbers, padding, reshaped, sliceSpans, splitLengths, unsqueezed } from './sizes.ts'

/** Where the first size stays, so do the samples; else the result is row-major. */
const toShape = (operation: Operation, value: Value | undefined, shape: (from: Shape) => Shape, scope: Scope) => {
  const { graph } = scope
  const x = scope.tensor(value, operation)
  const to = shape(x.shape)
  return [
    x.batched && to[0] === x.shape[0] ? reshape(graph, x, to, true) : reshape(graph, rowMajor(graph, x), to, false),
  ]
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
  Flatten: (operation, [x], scope) => toShape(operation, x, (from) => flattened(from, operation), scope),
  Squeeze: (operation, [x, list], scope) =>
    toShape(
      operation,
      x,
      (from) => {
        const axes = numbers(operation, list, 'axes', scope)?.map((axis) => axisOf(axis, from.length, operation))
        if (axes?.some((axis) => from[axis] !== 1))
          throw new UserError(`${operation.label}: expected axes of size 1, found axes [${axes}] of [${from}]`)
        return from.filter((n, i) => (axes ? !axes.includes(i) : n !== 1 || (i === 0 && !scope.mayMix)))
      },
      scope,
    ),
  Unsqueeze: (operation, [x, list], scope) =>
    toShape(operation, x, (from) => unsqueezed(from, numbers(operation, list, 'axes', scope) ?? [], operation), scope),
  Concat: (operation, inputs, scope) => {
    const rank = inputs[0]?.shape.length ?? 0
    const axis = axisOf(operation.integer('axis', 1), rank, operation)
    keepsSamples(axis, operation)
    const tensors = inputs.map((value) => perSample(value, rank, operation, scope))
    return [concat(scope.graph, tensors, axis)]
  },
  Slice: (operation, inputs, scope) => {
    const x = scope.tensor(inputs[0], operation)
    const spans = sliceSpans(operation, inputs, x.shape, scope)
    if (spans[0].length !== x.shape[0]) keepsSamples(0, operation)
    if (spans.some(({ step }) => step < 0))
      throw new Unsupported(`${operation.label}: a slice in reverse order is not supported`)
    if (spans.some(({ length }) => length === 0))
      throw new Unsupported(`${operation.label}: an empty slice is not supported`)
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
    let from = 0
    return splitLengths(operation, list, tensor.shape[axis], scope).map((length) => {
      const result = length > 0 ? part(scope, tensor, axis, from, length) : undefined
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
    const place = axisOf(at.values[0], tensor.shape[axis], operation)
    const one = part(scope, tensor, axis, place, 1)
    const shape = [...tensor.shape.slice(0, axis), ...at.shape, ...tensor.shape.slice(axis + 1)]
    return [reshape(scope.graph, one, shape)]
  },
  Pad: (operation, inputs, scope) => {
    const tensor = scope.tensor(inputs[0], operation)
    const { before, after, fill } = padding(operation, inputs, tensor.shape, scope)
    if (fill !== 0) throw new Unsupported(`${operation.label}: only padding with zeros is supported, found ${fill}`)
    if (before[0] + after[0] > 0) keepsSamples(0, operation)
    return [sameShape(before, after) && before.every((n) => n === 0) ? tensor : pad(scope.graph, tensor, before, after)]
  },
  Expand: (operation, [x, target], scope) => {
    const tensor = scope.tensor(x, operation)
    const asked = scope.known(target, operation, 'shape').list()
    const rank = Math.max(asked.length, tensor.shape.length)
    // The number of samples that the file was written for is this batch's.
    if (tensor.shape.length === rank && asked.length === rank && asked[0] === scope.fixedBatch) asked[0] = scope.batch
    const size = Array.from({ length: rank }, (_, i) => {
      const [have, want] = [tensor.shape, asked].map((sizes) => sizes[sizes.length - rank + i] ?? 1)
      if (have !== want && have !== 1 && want !== 1)
        throw new UserError(`${operation.label}: cannot expand [${tensor.shape}] to [${asked}]`)
      return have === 1 ? want : have
    })
    return [expand(scope.graph, tensor, size, tensor.batched && rank === tensor.shape.length)]
  },
}
