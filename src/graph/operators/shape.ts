/**
 * @file Operators that move, repeat or sum elements (ONNX Reshape, Flatten, Expand, ReduceSum, ReduceMean).
 */
import type { Graph } from '../graph.ts'
import { type Attributes, attribute, check, type Operator } from '../operator.ts'
import { type Shape, sameShape, sizeOf, type Tensor, type TensorType } from '../tensor.ts'
import { mul } from './elementwise.ts'

/** Attributes: `shape` (sizes; static), `batched` (whether axis 0 of the result runs over samples). */
export const Reshape: Operator = {
  name: 'Reshape',
  infer: ([x], attributes) => {
    const shape = attribute<Shape>(attributes, 'shape', [])
    check(sizeOf(shape) === sizeOf(x.shape), 'Reshape', () => `cannot give [${x.shape}] the shape [${shape}]`)
    return [{ shape, batched: attribute(attributes, 'batched', x.batched && shape[0] === x.shape[0]) }]
  },
  gradient: (graph, { inputs: [x] }, [dy]) => [dy && reshape(graph, dy, x.shape, x.batched)],
  fold: ([x]) => x,
}

/** [N, ...] to [N, product of the rest] (`axis` 1, the only one supported). */
export const Flatten: Operator = {
  name: 'Flatten',
  infer: ([x], attributes) => {
    check(attribute<number>(attributes, 'axis', 1) === 1, 'Flatten', () => `expected axis 1, found ${attributes.axis}`)
    check(x.shape.length >= 1, 'Flatten', () => 'expected at least one axis, found a scalar')
    return [{ shape: [x.shape[0], sizeOf(x.shape.slice(1))], batched: x.batched }]
  },
  gradient: (graph, { inputs: [x] }, [dy]) => [dy && reshape(graph, dy, x.shape, x.batched)],
}

/** Repeats along new or size-1 axes. Attributes: `shape`, `batched`. */
export const Expand: Operator = {
  name: 'Expand',
  infer: ([x], attributes) => {
    const shape = attribute<Shape>(attributes, 'shape', [])
    const extra = shape.length - x.shape.length
    const fits = extra >= 0 && x.shape.every((n, i) => n === 1 || n === shape[i + extra])
    check(fits, 'Expand', () => `cannot expand [${x.shape}] to [${shape}]`)
    return [{ shape, batched: attribute(attributes, 'batched', x.batched && extra === 0) }]
  },
  gradient: (graph, { inputs: [x] }, [dy]) => {
    if (!dy) return [undefined]
    const extra = dy.shape.length - x.shape.length
    const axes = dy.shape.map((_, i) => i).filter((i) => i < extra || x.shape[i - extra] !== dy.shape[i])
    return [reshape(graph, axes.length ? reduceSum(graph, dy, axes) : dy, x.shape, x.batched)]
  },
  fold: ([x]) => x,
}

/** Attributes: `axes` (required, 0 or more), `keepdims` (1 keeps them with size 1; default 1 as in ONNX). */
export const ReduceSum: Operator = {
  name: 'ReduceSum',
  infer: ([x], attributes) => [reduced('ReduceSum', x, attributes)],
  gradient: (graph, { inputs: [x], attributes }, [dy]) => [dy && spread(graph, dy, x, attributes)],
}

/** As ReduceSum, divided by the number of elements summed. */
export const ReduceMean: Operator = {
  name: 'ReduceMean',
  infer: ([x], attributes) => [reduced('ReduceMean', x, attributes)],
  gradient: (graph, { inputs: [x], outputs: [y], attributes }, [dy]) => {
    if (!dy) return [undefined]
    const share = graph.constant(sizeOf(y.shape) / sizeOf(x.shape))
    return [spread(graph, mul(graph, dy, share), x, attributes)]
  },
}

export const flatten = (graph: Graph, x: Tensor): Tensor => graph.apply(Flatten, [x])[0]

/** The tensor itself where nothing would change. */
export function reshape(graph: Graph, x: Tensor, shape: Shape, batched = x.batched && shape[0] === x.shape[0]): Tensor {
  if (sameShape(x.shape, shape) && x.batched === batched) return x
  return graph.apply(Reshape, [x], { shape, batched })[0]
}

/** The tensor itself where nothing would change. */
export function expand(graph: Graph, x: Tensor, shape: Shape, batched: boolean): Tensor {
  if (sameShape(x.shape, shape) && x.batched === batched) return x
  return graph.apply(Expand, [x], { shape, batched })[0]
}

export const reduceSum = (graph: Graph, x: Tensor, axes: readonly number[], keepdims = 1): Tensor =>
  graph.apply(ReduceSum, [x], { axes, keepdims })[0]
export const reduceMean = (graph: Graph, x: Tensor, axes: readonly number[], keepdims = 1): Tensor =>
  graph.apply(ReduceMean, [x], { axes, keepdims })[0]

function reduced(operator: string, x: Tensor, attributes: Attributes): TensorType {
  const axes = attribute<Shape>(attributes, 'axes', [])
  const keep = attribute<number>(attributes, 'keepdims', 1) !== 0
  const valid = axes.length > 0 && axes.every((a) => Number.isInteger(a) && a >= 0 && a < x.shape.length)
  check(valid, operator, () => `expected axes between 0 and ${x.shape.length - 1}, found [${axes}]`)
  const shape = keep ? x.shape.map((n, i) => (axes.includes(i) ? 1 : n)) : x.shape.filter((_, i) => !axes.includes(i))
  return { shape, batched: x.batched && !axes.includes(0) }
}

/** The gradient of a sum: the gradient of the result, repeated over the summed axes. */
function spread(graph: Graph, dy: Tensor, x: Tensor, attributes: Attributes): Tensor {
  const axes = attribute<Shape>(attributes, 'axes', [])
  const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n))
  const batched = x.batched && !axes.includes(0)
  return expand(graph, reshape(graph, dy, kept, batched), x.shape, x.batched)
}
