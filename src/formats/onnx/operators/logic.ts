/** @file Comparisons, booleans (1 and 0 here) and the choice by them. */
import type { Graph } from '../../../graph/graph.ts'
import { maximum } from '../../../graph/operators/arithmetic.ts'
import { equal, less, lessOrEqual, where } from '../../../graph/operators/comparisons.ts'
import { abs, mul, sub } from '../../../graph/operators/elementwise.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Translator } from '../scope.ts'
import { binary, combine, each } from './elementwise.ts'

const not = (graph: Graph, x: Tensor) => sub(graph, graph.constant(1), x)
const swapped =
  (apply: (graph: Graph, a: Tensor, b: Tensor) => Tensor) =>
  (graph: Graph, a: Tensor, b: Tensor): Tensor =>
    apply(graph, b, a)

export const logic: Record<string, Translator> = {
  Equal: binary(equal),
  Less: binary(less),
  LessOrEqual: binary(lessOrEqual),
  Greater: binary(swapped(less)),
  GreaterOrEqual: binary(swapped(lessOrEqual)),
  And: binary(mul),
  Or: binary(maximum),
  Xor: binary((graph, a, b) => not(graph, equal(graph, a, b))),
  Not: each(not),
  Where: (operation, inputs, scope) => [
    combine(operation, inputs, scope, (graph, [condition, a, b]) => where(graph, condition, a, b)),
  ],
  IsNaN: each((graph, x) => not(graph, equal(graph, x, x))),
  IsInf: (operation, [x], scope) => {
    const [above, below] = ['detect_positive', 'detect_negative'].map((name) => operation.integer(name, 1) !== 0)
    const { graph } = scope
    const infinite = (tensor: Tensor) => {
      if (above && below) return equal(graph, abs(graph, tensor), graph.constant(Infinity))
      return above || below
        ? equal(graph, tensor, graph.constant(above ? Infinity : -Infinity))
        : less(graph, tensor, tensor)
    }
    return [scope.map(x, operation, infinite)]
  },
}
