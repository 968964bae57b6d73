/**
 * @file Dropout (Srivastava et al. 2014), seeded: the mask is a function of the layer, the step and the
 * position, so a resumed run draws the same one whatever the number of threads.
 */
import type { Graph } from '../graph.ts'
import { attribute, check, type Operator } from '../operator.ts'
import { describe, type Shape, type Tensor } from '../tensor.ts'
import { mul } from './elementwise.ts'

/**
 * The state that holds the number of the step (a scalar below 2^24): the training loop writes it before every
 * step.
 */
export const DROPOUT_COUNTER = 'dropout.counter'

/**
 * 0 with probability `ratio`, else 1 / (1 - ratio). Input: the counter; attributes `shape`, `ratio`, `stream`
 * (a number of its own for every layer).
 */
export const DropoutMask: Operator = {
  name: 'DropoutMask',
  infer: ([counter], attributes) => {
    const ratio = attribute<number>(attributes, 'ratio', 0.5)
    check(
      ratio >= 0 && ratio < 1,
      'DropoutMask',
      () => `expected a ratio of at least 0 and less than 1, found ${ratio}`,
    )
    check(counter.shape.length === 0, 'DropoutMask', () => `expected a scalar counter, found ${describe(counter)}`)
    return [{ shape: attribute<Shape>(attributes, 'shape', []), batched: true }]
  },
}

/** In training, x times a mask that is new in every step; otherwise x itself. */
export function dropout(graph: Graph, x: Tensor, ratio: number, training: boolean): Tensor {
  if (!training || ratio === 0) return x
  const counter = graph.state(DROPOUT_COUNTER, [])
  const stream = graph.nodes.filter(({ operator }) => operator === DropoutMask).length
  return mul(graph, x, graph.apply(DropoutMask, [counter], { shape: x.shape, ratio, stream })[0])
}
