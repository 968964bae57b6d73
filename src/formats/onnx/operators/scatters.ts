/** @file Operators that put elements where indices say, and the largest elements in order. */
import type { Graph } from '../../../graph/graph.ts'
import { abs, add, clip, mul, neg, sub } from '../../../graph/operators/elementwise.ts'
import { type Reduction, scatter, topK } from '../../../graph/operators/gather.ts'
import { concat, reshape, slice } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Translator, Unsupported } from '../scope.ts'
import { Known } from '../value.ts'
import { block, checkPlaces, flatIndex, together } from './indices.ts'
import { laid } from './laid.ts'
import { rowMajor } from './layouts.ts'
import { part } from './parts.ts'
import { axisOf } from './sizes.ts'

const reductionOf = (operation: Operation): Reduction => {
  const told = operation.text('reduction', 'none')
  if (told === 'none') return 'set'
  const known = (['add', 'mul', 'max', 'min'] as const).find((one) => one === told)
  if (!known) throw new Unsupported(`${operation.label}: the reduction ${told} is not known`)
  return known
}

/** x with the block at its beginning replaced: what lies beside it is joined to it again, axis by axis. */
function withBlock(graph: Graph, x: Tensor, replaced: Tensor): Tensor {
  let y = replaced
  for (let axis = x.shape.length - 1; axis >= 0; axis--) {
    const [from, to] = [y.shape[axis], x.shape[axis]]
    if (from === to) continue
    const starts = x.shape.map((_, i) => (i === axis ? from : 0))
    const beside = slice(
      graph,
      x,
      starts,
      y.shape.map((n, i) => (i === axis ? to - from : n)),
    )
    y = concat(graph, [y, beside], axis)
  }
  return y
}

const scatteredElements: Translator = (operation, [value, index, source], scope) => {
  const { graph } = scope
  const given = [value, index, source].map((one) => scope.tensor(one, operation))
  const axis = axisOf(operation.integer('axis', 0), given[0].shape.length, operation)
  checkPlaces(given[0].shape[axis], operation)
  const [x, at, updates] = together(graph, axis, ...given)
  const into = block(graph, x, at.shape, axis, operation)
  const options = { size: x.shape[axis], reduction: reductionOf(operation), into }
  return [withBlock(graph, x, scatter(graph, at, updates, axis, options))]
}

const scatteredND: Translator = (operation, [value, index, source], scope) => {
  const { graph } = scope
  const [x, at, updates] = [value, index, source].map((one) => rowMajor(graph, scope.tensor(one, operation)))
  const depth = at.shape.at(-1) ?? 1
  const [sizes, rest] = [x.shape.slice(0, depth), x.shape.slice(depth)]
  if (sizes.length !== depth)
    throw new UserError(`${operation.label}: its indices [${at.shape}] are too long for [${x.shape}]`)
  const count = sizeOf(at.shape.slice(0, -1))
  const list = reshape(graph, flatIndex(at, sizes, scope, operation), [count], false)
  const flat = (tensor: Tensor, places: number) => reshape(graph, tensor, [places, sizeOf(rest)], false)
  const options = { size: sizeOf(sizes), reduction: reductionOf(operation), into: flat(x, sizeOf(sizes)) }
  return [reshape(graph, scatter(graph, list, flat(updates, count), 0, options), x.shape, false)]
}

/** 1 where an index is the number of a place, else 0; then the values for that. */
const oneHot: Translator = (operation, [value, count, values], scope) => {
  const { graph } = scope
  const [depth] = scope.known(count, operation, 'depth').list()
  const index = scope.tensor(value, operation)
  const rank = index.shape.length + 1
  const axis = axisOf(operation.integer('axis', -1), rank, operation)
  if (!(depth >= 1)) throw new UserError(`${operation.label}: expected a depth of at least 1, found ${depth}`)
  const from = axis === 0 ? rowMajor(graph, index) : index
  const shape = [...index.shape.slice(0, axis), 1, ...index.shape.slice(axis)]
  const places = reshape(graph, from, shape, from.batched)
  const wrapped = add(graph, places, mul(graph, clip(graph, neg(graph, places), 0, 1), graph.constant(depth)))
  const numbers = graph.constant(
    Array.from({ length: depth }, (_, i) => i),
    Array.from({ length: rank - axis }, (_, i) => (i === 0 ? depth : 1)),
  )
  const one = graph.constant(1)
  const hot = clip(graph, sub(graph, one, abs(graph, sub(graph, wrapped, numbers))), 0, 1)
  if (values instanceof Known && values.values[0] === 0 && values.values[1] === 1) return [hot]
  const [off, on] = [0, 1].map((i) => part(scope, rowMajor(graph, scope.tensor(values, operation)), 0, i, 1))
  return [add(graph, mul(graph, hot, on), mul(graph, sub(graph, one, hot), off))]
}

const largest: Translator = (operation, [value, count], scope) => {
  const [k] = count === undefined ? [operation.integer('k', 0)] : scope.known(count, operation, 'k').list()
  const shape = value?.shape ?? []
  const axis = axisOf(operation.integer('axis', -1), shape.length, operation)
  // In order whether that is asked for or not.
  operation.ignore('sorted')
  if (!(k >= 1 && k <= shape[axis]))
    throw new Unsupported(`${operation.label}: expected a k of 1 to ${shape[axis]}, found ${k}`)
  const { x, perm, back } = laid(value, operation, scope, (one) => one === axis)
  const [values, places] = topK(scope.graph, x, perm[axis], k, operation.integer('largest', 1) !== 0)
  return [back(values), back(places)]
}

export const scatters: Record<string, Translator> = {
  ScatterElements: scatteredElements,
  Scatter: scatteredElements,
  ScatterND: scatteredND,
  OneHot: oneHot,
  TopK: largest,
}
