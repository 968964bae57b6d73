/** @file The mean over axes (ONNX ReduceMean). */
import type { Builder, Operator } from '../operator.ts'
import { sizeOf, type Tensor } from '../tensor.ts'
import { mul } from './elementwise.ts'
import { reduced, spread } from './shape.ts'

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

export const reduceMean = (graph: Builder, x: Tensor, axes: readonly number[], keepdims = 1): Tensor =>
  graph.apply(ReduceMean, [x], { axes, keepdims })[0]
