/** @file Elementwise functions of several operands, with NumPy's broadcasting. */
import type { Graph } from '../../../graph/graph.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import type { Scope, Translator } from '../scope.ts'
import { isFloating } from '../tensor.ts'
import { Known, Permuted, type Value } from '../value.ts'
import { commonOrder, inOrder } from './order.ts'
import { broadcastable } from './samples.ts'

/**
 * Applies a function to operands in one order of axes. `learned`: how stored operands begin that training may
 * change; others stay as they are.
 */
export function combine(
  operation: Operation,
  values: readonly (Value | undefined)[],
  scope: Scope,
  apply: (graph: Graph, operands: readonly Tensor[]) => Tensor,
  learned?: number,
): Value {
  const rank = Math.max(...values.map((value) => value?.shape.length ?? 0))
  const order = commonOrder(values, rank)
  const operands = values.map((value) => {
    const given = broadcastable(value, rank, operation, scope)
    if (given instanceof Permuted && order) return given.of
    const turned = given instanceof Known && order ? inOrder(given, order, operation) : given
    return turned instanceof Known && learned !== undefined && turned.size > 1
      ? scope.parameter(turned, learned)
      : scope.tensor(turned, operation)
  })
  const result = apply(scope.graph, operands)
  return order ? new Permuted(result, order) : result
}

/** A function of two operands. */
export const binary =
  (apply: (graph: Graph, a: Tensor, b: Tensor) => Tensor, learned?: number): Translator =>
  (operation, [a, b], scope) => [combine(operation, [a, b], scope, (graph, [x, y]) => apply(graph, x, y), learned)]

/** A function of one element. */
export const each =
  (apply: (graph: Graph, x: Tensor) => Tensor): Translator =>
  (operation, [x], scope) => [scope.map(x, operation, (tensor) => apply(scope.graph, tensor))]

/** Of any number of operands, taken from left to right. */
export const ofAll =
  (translator: Translator): Translator =>
  (operation, [first, ...others], scope) => [
    others.reduce((value, other) => translator(operation, [value, other], scope)[0], first),
  ]

/** Whether a value is of whole numbers or booleans. */
export const isWhole = (value: Value | undefined, scope: Scope): boolean =>
  value !== undefined && !isFloating(scope.typeOf(value))
