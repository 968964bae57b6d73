/** @file Operators that give elements another shape or order. */
import { expand, reshape } from '../../../graph/operators/shape.ts'
import type { Shape } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import type { Scope, Translator } from '../scope.ts'
import { Permuted, type Value } from '../value.ts'
import { withoutAxes } from './laid.ts'
import { rowMajor } from './layouts.ts'
import { axisOf, flattened, numbers, reshaped, unsqueezed } from './sizes.ts'

/** Where the first size stays, so do the samples; else the result is row-major. */
const toShape = (operation: Operation, value: Value | undefined, shape: (from: Shape) => Shape, scope: Scope) => {
  const { graph } = scope
  const x = scope.tensor(value, operation)
  const to = shape(x.shape)
  return [
    x.batched && to[0] === x.shape[0] ? reshape(graph, x, to, true) : reshape(graph, rowMajor(graph, x), to, false),
  ]
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
  Squeeze: (operation, [x, list], scope) => {
    const from = x?.shape ?? []
    const axes =
      numbers(operation, list, 'axes', scope)?.map((axis) => axisOf(axis, from.length, operation)) ??
      [...from.keys()].filter((i) => from[i] === 1 && (i > 0 || scope.mayMix))
    if (axes.some((axis) => from[axis] !== 1))
      throw new UserError(`${operation.label}: expected axes of size 1, found axes [${axes}] of [${from}]`)
    if (x instanceof Permuted) return [withoutAxes(x, axes, scope)]
    return toShape(operation, x, (shape) => shape.filter((_, i) => !axes.includes(i)), scope)
  },
  Unsqueeze: (operation, [x, list], scope) =>
    toShape(operation, x, (from) => unsqueezed(from, numbers(operation, list, 'axes', scope) ?? [], operation), scope),
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
    // One row for all samples is one for each.
    const repeats = size[0] === scope.batch && (rank > tensor.shape.length || tensor.shape[0] === 1)
    return [expand(scope.graph, tensor, size, (tensor.batched && rank === tensor.shape.length) || repeats)]
  },
}
