/** @file Reductions over axes, places of extremes, and running sums. */
import type { Graph } from '../../../graph/graph.ts'
import { equal, less, where } from '../../../graph/operators/comparisons.ts'
import { abs, add, mul, sqrt, sub } from '../../../graph/operators/elementwise.ts'
import { exp, log, trunc } from '../../../graph/operators/functions.ts'
import { reduceMean } from '../../../graph/operators/mean.ts'
import { reduceMax, reduceMin, reduceProd } from '../../../graph/operators/reductions.ts'
import { pad, reduceSum, reshape, slice } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { type Scope, type Translator, Unsupported } from '../scope.ts'
import { Permuted, type Value } from '../value.ts'
import { isWhole } from './elementwise.ts'
import { rowMajor } from './layouts.ts'
import { ordered } from './order.ts'
import { axisOf, reducedAxes } from './sizes.ts'

/** A reduction that keeps the axes with size 1. */
type Reduce = (graph: Graph, x: Tensor, axes: readonly number[]) => Tensor

/** A value reduced, in whatever order its axes lie. Over axis 0 it is row-major. */
export function reduceValue(
  value: Value | undefined,
  axes: readonly number[],
  keep: boolean,
  { operation, scope, reduce }: { operation: Operation; scope: Scope; reduce: Reduce },
): Value {
  const { graph } = scope
  const { tensor, axis, back } = ordered(value, operation, scope)
  const along = axes.map(axis)
  const x = along.includes(0) ? rowMajor(graph, tensor) : tensor
  const kept = reduce(graph, x, along)
  if (keep) return back(kept)
  const left = x.shape.map((_, i) => i).filter((i) => !along.includes(i))
  const result = reshape(
    graph,
    kept,
    left.map((i) => x.shape[i]),
    kept.batched && left[0] === 0,
  )
  if (!(value instanceof Permuted)) return result
  const order = value.perm.filter((i) => !along.includes(i)).map((i) => left.indexOf(i))
  return order.every((i, place) => i === place) ? result : new Permuted(result, order)
}

/** `changes`: whether an element alone gives something else than itself. */
const reduction =
  (reduce: Reduce, changes = false): Translator =>
  (operation, [x, list], scope) => {
    const keep = operation.integer('keepdims', 1) !== 0
    const axes = reducedAxes(operation, list, x?.shape.length ?? 0, scope)
    if (!axes && changes) throw new Unsupported(`${operation.label}: noop_with_empty_axes is not supported`)
    if (!axes) return [x]
    return [reduceValue(x, [...axes], keep, { operation, scope, reduce })]
  }

/** Means of whole numbers are whole. */
const mean: Translator = (operation, inputs, scope) => {
  const [result] = reduction(reduceMean)(operation, inputs, scope)
  return [isWhole(inputs[0], scope) ? scope.map(result, operation, (y) => trunc(scope.graph, y)) : result]
}

const over =
  (
    before: (graph: Graph, x: Tensor) => Tensor,
    after: (graph: Graph, x: Tensor) => Tensor = (_graph, x) => x,
  ): Reduce =>
  (graph, x, axes) =>
    after(graph, axes.length > 0 ? reduceSum(graph, before(graph, x), axes) : before(graph, x))

const square = (graph: Graph, x: Tensor) => mul(graph, x, x)

/** log of the sum of e^x, by the largest x, so that nothing overflows. */
const logSumExp: Reduce = (graph, x, axes) => {
  if (axes.length === 0) return x
  const largest = reduceMax(graph, x, axes)
  // Where all are -infinite, and where one is infinite, the differences are no numbers.
  const finite = less(graph, abs(graph, largest), graph.constant(Infinity))
  const base = where(graph, finite, largest, graph.constant(0))
  return add(graph, base, log(graph, reduceSum(graph, exp(graph, sub(graph, x, base)), axes)))
}

/** 0, 1, ... along an axis. */
export const placesAlong = (graph: Graph, { shape }: Tensor, axis: number): Tensor =>
  graph.constant(
    Array.from({ length: shape[axis] }, (_, i) => i),
    shape.map((n, i) => (i === axis ? n : 1)),
  )

/** The place of an extreme value along an axis, kept with size 1: the first such place, or the last. */
export function placeOf(graph: Graph, x: Tensor, axis: number, { least = false, last = false } = {}): Tensor {
  const most = graph.constant(x.shape[axis] - 1)
  const extreme = least ? reduceMin(graph, x, [axis]) : reduceMax(graph, x, [axis])
  const hits = equal(graph, x, extreme)
  const candidates = where(graph, hits, placesAlong(graph, x, axis), last ? graph.constant(0) : most)
  return last ? reduceMax(graph, candidates, [axis]) : reduceMin(graph, candidates, [axis])
}

const place =
  (least: boolean): Translator =>
  (operation, [x], scope) => {
    const keep = operation.integer('keepdims', 1) !== 0
    const last = operation.integer('select_last_index', 0) !== 0
    const axis = axisOf(operation.integer('axis', 0), x?.shape.length ?? 0, operation)
    const reduce: Reduce = (graph, tensor, [along]) => placeOf(graph, tensor, along, { least, last })
    return [reduceValue(x, [axis], keep, { operation, scope, reduce })]
  }

/** x moved along an axis by some places, towards the end or the beginning; zeros come in. */
function shifted(graph: Graph, x: Tensor, axis: number, by: number, back: boolean): Tensor {
  const only = (n: number) => x.shape.map((_, i) => (i === axis ? n : 0))
  const shape = x.shape.map((n, i) => (i === axis ? n - by : n))
  const part = slice(graph, x, only(back ? by : 0), shape)
  return pad(graph, part, only(back ? 0 : by), only(back ? by : 0))
}

/** Running sums by doubling: after k steps every place holds the sum of 2^k. */
const runningSum: Translator = (operation, [x, along], scope) => {
  const { graph } = scope
  const { tensor, axis, back } = ordered(x, operation, scope)
  const [asked] = scope.known(along, operation, 'axis').list()
  const at = axis(axisOf(asked, tensor.shape.length, operation))
  const [exclusive, reverse] = ['exclusive', 'reverse'].map((name) => operation.integer(name, 0) !== 0)
  const size = tensor.shape[at]
  let sum = at === 0 ? rowMajor(graph, tensor) : tensor
  if (exclusive) sum = size > 1 ? shifted(graph, sum, at, 1, reverse) : mul(graph, sum, graph.constant(0))
  for (let by = 1; by < size; by *= 2) sum = add(graph, sum, shifted(graph, sum, at, by, reverse))
  return [back(sum)]
}

export const reductions: Record<string, Translator> = {
  ReduceSum: reduction((graph, x, axes) => (axes.length > 0 ? reduceSum(graph, x, axes) : x)),
  ReduceMean: mean,
  ReduceMax: reduction((graph, x, axes) => (axes.length > 0 ? reduceMax(graph, x, axes) : x)),
  ReduceMin: reduction((graph, x, axes) => (axes.length > 0 ? reduceMin(graph, x, axes) : x)),
  ReduceProd: reduction((graph, x, axes) => (axes.length > 0 ? reduceProd(graph, x, axes) : x)),
  ReduceL1: reduction(over(abs), true),
  ReduceL2: reduction(over(square, sqrt), true),
  ReduceSumSquare: reduction(over(square), true),
  ReduceLogSum: reduction(
    over((_graph, x) => x, log),
    true,
  ),
  ReduceLogSumExp: reduction(logSumExp, true),
  ArgMax: place(false),
  ArgMin: place(true),
  CumSum: runningSum,
}
