/** @file Operators that pick elements by indices, known or computed, and what is made of indices alone. */
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { gather } from '../../../graph/operators/gather.ts'
import { picks, resample } from '../../../graph/operators/resample.ts'
import { expand, reshape } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { dtypes } from '../tensor.ts'
import { Known, Permuted } from '../value.ts'
import { block, checkPlaces, flatIndex, together } from './indices.ts'
import { laid, withoutAxes } from './laid.ts'
import { overSamples, rowMajor } from './layouts.ts'
import { part } from './parts.ts'
import { axisOf } from './sizes.ts'

/** Places that are known, along one axis: a part where they follow each other evenly. */
function pick(x: Tensor, axis: number, places: readonly number[], scope: Scope): Tensor {
  const [first, second] = places
  const step = places.length > 1 ? second - first : 1
  if (step > 0 && places.every((place, i) => place === first + i * step))
    return part(scope, x, axis, first, places.length, step)
  return resample(scope.graph, x, axis, picks(x.shape[axis], places))
}

const gathered: Translator = (operation, [value, index], scope) => {
  const { graph } = scope
  if (value === undefined || index === undefined) throw new UserError(`${operation.label} lacks an input`)
  const rank = value.shape.length
  const axis = axisOf(operation.integer('axis', 0), rank, operation)
  const shape = [...value.shape.slice(0, axis), ...index.shape, ...value.shape.slice(axis + 1)]
  if (sizeOf(shape) === 0) throw new Unsupported(`${operation.label}: a result without elements is not supported`)
  if (index instanceof Known) {
    const places = index.list().map((place) => axisOf(place, value.shape[axis], operation))
    const { x, perm, back } = laid(value, operation, scope, (one) => one === axis)
    const y = back(pick(x, perm[axis], places, scope))
    if (index.shape.length === 1) return [y]
    if (index.shape.length === 0 && y instanceof Permuted) return [withoutAxes(y, [axis], scope)]
    const tensor = scope.tensor(y, operation)
    return [reshape(graph, axis === 0 ? rowMajor(graph, tensor) : tensor, shape, tensor.batched && axis > 0)]
  }
  checkPlaces(value.shape[axis], operation)
  // A stored table whose rows are looked up is what embeddings are.
  const table = value instanceof Known ? scope.parameter(value, 0) : scope.tensor(value, operation)
  const indices = scope.tensor(index, operation)
  const list = reshape(graph, rowMajor(graph, indices), [sizeOf(index.shape)], false)
  if (axis > 0 && !indices.batched) return [reshape(graph, gather(graph, table, list, axis), shape, table.batched)]
  const y = reshape(graph, gather(graph, rowMajor(graph, table), list, axis), shape, false)
  return [axis === 0 && indices.batched && !table.batched ? overSamples(graph, y) : y]
}

/** Indices that are elements of their own, also where there is a single axis. */
const each = (index: Tensor) => index.shape.length > 1

const gatheredElements: Translator = (operation, [value, index], scope) => {
  const { graph } = scope
  const given = [value, index].map((one) => scope.tensor(one, operation))
  const axis = axisOf(operation.integer('axis', 0), given[0].shape.length, operation)
  checkPlaces(given[0].shape[axis], operation)
  const [x, at] = together(graph, axis, ...given)
  const whole = block(
    graph,
    x.shape[0] === at.shape[0] || axis === 0 ? x : rowMajor(graph, x),
    at.shape,
    axis,
    operation,
  )
  return [gather(graph, whole, each(at) ? at : rowMajor(graph, at), axis)]
}

const gatheredND: Translator = (operation, [value, index], scope) => {
  const { graph } = scope
  const [x, at] = [value, index].map((one) => rowMajor(graph, scope.tensor(one, operation)))
  const batch = operation.integer('batch_dims', 0)
  const depth = at.shape.at(-1) ?? 1
  const [outer, sizes, rest] = [
    x.shape.slice(0, batch),
    x.shape.slice(batch, batch + depth),
    x.shape.slice(batch + depth),
  ]
  if (sizes.length !== depth)
    throw new UserError(`${operation.label}: its indices [${at.shape}] are too long for [${x.shape}]`)
  const places = flatIndex(at, sizes, scope, operation)
  const [count, inner, many] = [sizeOf(at.shape.slice(batch, -1)), sizeOf(rest), sizeOf(outer)]
  const shape = [...at.shape.slice(0, -1), ...rest]
  const rows = reshape(graph, x, [many, sizeOf(sizes), inner], false)
  const list =
    many === 1
      ? reshape(graph, places, [count], false)
      : expand(graph, reshape(graph, places, [many, count, 1], false), [many, count, inner], false)
  return [likeFirst(reshape(graph, gather(graph, rows, list, 1), shape, false), batch > 0, scope)]
}

/** Over samples where the first axis is still that of the samples. */
const likeFirst = (y: Tensor, kept: boolean, { graph, batch }: Scope): Tensor =>
  kept && y.shape[0] === batch ? overSamples(graph, y) : y

/** The places of an axis, or of all elements in a row, where a condition that is known holds. */
const compressed: Translator = (operation, [value, condition], scope) => {
  const list = scope.known(condition, operation, 'condition').list()
  const places = list.flatMap((holds, i) => (holds ? [i] : []))
  const flat = !operation.has('axis')
  const shape = value?.shape ?? []
  const axis = flat ? 0 : axisOf(operation.integer('axis', 0), shape.length, operation)
  if (places.length === 0 || places.at(-1)! >= (flat ? sizeOf(shape) : shape[axis]))
    throw new Unsupported(`${operation.label}: its condition picks the places [${places}] of [${shape}]`)
  if (flat) {
    const rows = rowMajor(scope.graph, scope.tensor(value, operation))
    return [pick(reshape(scope.graph, rows, [sizeOf(shape)], false), 0, places, scope)]
  }
  const { x, perm, back } = laid(value, operation, scope, (one) => one === axis)
  return [back(pick(x, perm[axis], places, scope))]
}

/** Ones on a diagonal: the shape alone counts. */
const eye: Translator = (operation, [value], scope) => {
  const [rows, columns] = value?.shape ?? []
  const k = operation.integer('k', 0)
  const dtype = operation.integer('dtype', DataType.UNDEFINED)
  if (value?.shape.length !== 2) throw new UserError(`${operation.label}: expected a matrix, found [${value?.shape}]`)
  const ones = Array.from({ length: rows * columns }, (_, i) => Number((i % columns) - Math.floor(i / columns) === k))
  return [new Known([rows, columns], () => ones, { type: dtypes[dtype] ?? scope.typeOf(value) })]
}

export const gathers: Record<string, Translator> = {
  Gather: gathered,
  GatherElements: gatheredElements,
  GatherND: gatheredND,
  Compress: compressed,
  EyeLike: eye,
}
