/**
 * @file Indices that a network computes, as the kernels take them: floats, and one number for a list of them.
 */
import type { Graph } from '../../../graph/graph.ts'
import { add, clip, mul, neg } from '../../../graph/operators/elementwise.ts'
import { reduceSum, slice } from '../../../graph/operators/shape.ts'
import { rowMajorStrides, type Shape, sizeOf, type Tensor } from '../../../graph/tensor.ts'
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { type Scope, Unsupported } from '../scope.ts'
import { overSamples, rowMajor } from './layouts.ts'

/** Indices are floats here, which are exact to 2^24. */
const MOST_PLACES = 2 ** 24

/** Throws Unsupported where an index of so many places is not exact. */
export function checkPlaces(count: number, operation: Operation): void {
  if (count > MOST_PLACES)
    throw new Unsupported(`${operation.label}: it picks from ${count} places, expected at most ${MOST_PLACES}`)
}

/** Two operands in one layout: over samples where both are. */
export function together(graph: Graph, axis: number, ...operands: Tensor[]): Tensor[] {
  const apart = axis > 0 && operands.some(({ batched }) => batched)
  const alike = operands.every(({ shape }) => shape[0] === operands[0].shape[0])
  return operands.map((x) => (apart && alike ? overSamples(graph, x) : rowMajor(graph, x)))
}

/** The block of x, from the first place of every axis but one, that is as large as an index. */
export function block(graph: Graph, x: Tensor, shape: Shape, axis: number, operation: Operation): Tensor {
  const size = x.shape.map((n, i) => (i === axis ? n : shape[i]))
  if (shape.length !== x.shape.length || size.some((n, i) => n > x.shape[i]))
    throw new UserError(`${operation.label}: its indices [${shape}] do not lie in [${x.shape}]`)
  return size.every((n, i) => n === x.shape[i])
    ? x
    : slice(
        graph,
        x,
        size.map(() => 0),
        size,
      )
}

/** Lists of indices [..., q] as the numbers of places of an array of these sizes, row-major. */
export function flatIndex(index: Tensor, sizes: Shape, { graph }: Scope, operation: Operation): Tensor {
  checkPlaces(sizeOf(sizes), operation)
  const one = (values: readonly number[]) => graph.constant([...values], [values.length])
  // Where an index is below 0, 1, else 0: it counts from the end then.
  const below = clip(graph, neg(graph, index), 0, 1)
  const fromFront = add(graph, index, mul(graph, below, one(sizes)))
  const places = mul(graph, fromFront, one(rowMajorStrides(sizes)))
  return reduceSum(graph, places, [index.shape.length - 1], 0)
}
