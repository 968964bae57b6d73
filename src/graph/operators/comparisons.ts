/**
 * @file Comparisons with NumPy broadcasting, and the choice by what they give. Truth is 1, falsehood 0; a
 * comparison with NaN is false.
 */
import type { Builder, Operator } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { broadcast, undoBroadcast } from './broadcast.ts'

const comparison = (name: string, holds: (a: number, b: number) => boolean): Operator => ({
  name,
  infer: (inputs) => [broadcast(name, inputs)],
  fold: ([a, b]) => Number(holds(a, b)),
})

export const Less = comparison('Less', (a, b) => a < b)
export const LessOrEqual = comparison('LessOrEqual', (a, b) => a <= b)
export const Equal = comparison('Equal', (a, b) => a === b)

/** Inputs condition, a, b: a where the condition is not 0, else b, whatever the other is (NaN, infinite). */
export const Where: Operator = {
  name: 'Where',
  infer: (inputs) => [broadcast('Where', inputs)],
  gradient: (graph, { inputs: [condition, a, b] }, [dy]) => {
    if (!dy) return [undefined, undefined, undefined]
    const none = graph.constant(0)
    return [
      undefined,
      undoBroadcast(graph, where(graph, condition, dy, none), a),
      undoBroadcast(graph, where(graph, condition, none, dy), b),
    ]
  },
  fold: ([condition, a, b]) => (condition !== 0 ? a : b),
}

export const less = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Less, [a, b])[0]
export const lessOrEqual = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(LessOrEqual, [a, b])[0]
export const equal = (graph: Builder, a: Tensor, b: Tensor): Tensor => graph.apply(Equal, [a, b])[0]
export const where = (graph: Builder, condition: Tensor, a: Tensor, b: Tensor): Tensor =>
  graph.apply(Where, [condition, a, b])[0]
