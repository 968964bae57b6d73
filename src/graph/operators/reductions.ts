/**
 * @file The largest and the least value over axes, and the product (ONNX ReduceMax, ReduceMin, ReduceProd).
 * Attributes are those of ReduceSum: `axes`, `keepdims`.
 */
import { type Attributes, attribute, type Builder, type Operator } from '../operator.ts'
import type { Shape, Tensor } from '../tensor.ts'
import { div } from './arithmetic.ts'
import { equal, where } from './comparisons.ts'
import { mul, sub } from './elementwise.ts'
import { reduced, reduceSum, spread } from './shape.ts'

/** Equal ones share the gradient. */
const extreme = (name: string): Operator => ({
  name,
  infer: ([x], attributes) => [reduced(name, x, attributes)],
  gradient: (graph, { inputs: [x], outputs: [y], attributes }, [dy]) => {
    if (!dy) return [undefined]
    const hits = equal(graph, x, spread(graph, y, x, attributes))
    const share = div(graph, spread(graph, dy, x, attributes), reduceSum(graph, hits, axesOf(attributes)))
    return [where(graph, hits, share, graph.constant(0))]
  },
})

/** NaN where one of the values is. */
export const ReduceMax = extreme('ReduceMax')
export const ReduceMin = extreme('ReduceMin')

export const ReduceProd: Operator = {
  name: 'ReduceProd',
  infer: ([x], attributes) => [reduced('ReduceProd', x, attributes)],
  // The product of all others: that of all that are not 0, divided by the value itself, where no other is 0.
  gradient: (graph, { inputs: [x], attributes }, [dy]) => {
    if (!dy) return [undefined]
    const [zero, one] = [graph.constant(0), graph.constant(1)]
    const empty = equal(graph, x, zero)
    const filled = where(graph, empty, one, x)
    const product = reduceProd(graph, filled, axesOf(attributes))
    const others = sub(graph, reduceSum(graph, empty, axesOf(attributes)), empty)
    const slope = mul(graph, spread(graph, dy, x, attributes), div(graph, product, filled))
    return [where(graph, others, zero, slope)]
  },
}

const axesOf = (attributes: Attributes) => attribute<Shape>(attributes, 'axes', [])

export const reduceMax = (graph: Builder, x: Tensor, axes: readonly number[], keepdims = 1): Tensor =>
  graph.apply(ReduceMax, [x], { axes, keepdims })[0]
export const reduceMin = (graph: Builder, x: Tensor, axes: readonly number[], keepdims = 1): Tensor =>
  graph.apply(ReduceMin, [x], { axes, keepdims })[0]
export const reduceProd = (graph: Builder, x: Tensor, axes: readonly number[], keepdims = 1): Tensor =>
  graph.apply(ReduceProd, [x], { axes, keepdims })[0]
