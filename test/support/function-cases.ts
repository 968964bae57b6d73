/** @file Small graphs around functions of one number or two, choices and reductions. */
import { Graph } from '../../src/graph/graph.ts'
import type { Builder } from '../../src/graph/operator.ts'
import { div, fmod, maximum, minimum, pow } from '../../src/graph/operators/arithmetic.ts'
import { less, where } from '../../src/graph/operators/comparisons.ts'
import { add, mul } from '../../src/graph/operators/elementwise.ts'
import { atan, cos, erf, exp, log, roundThrough, sin, tanh } from '../../src/graph/operators/functions.ts'
import { reduceMax, reduceMin, reduceProd } from '../../src/graph/operators/reductions.ts'
import type { Shape, Tensor } from '../../src/graph/tensor.ts'
import type { OperatorCase } from './operator-cases.ts'

const both = [false, true]

/** At least a half. */
const positive = (graph: Builder, x: Tensor) => add(graph, mul(graph, x, x), graph.constant(0.5))

const functions: Record<string, (graph: Graph, x: Tensor) => Tensor> = {
  Exp: exp,
  Log: (graph, x) => log(graph, positive(graph, x)),
  Tanh: tanh,
  Erf: erf,
  Sin: sin,
  Cos: cos,
  Atan: atan,
  'Round of constants': (graph, x) => mul(graph, x, roundThrough(graph, graph.constant([0.5, 1.5, -2.5, 3.4], [4]))),
}

const pairs: Record<string, (graph: Graph, a: Tensor, b: Tensor) => Tensor> = {
  Div: (graph, a, b) => div(graph, a, positive(graph, b)),
  Max: maximum,
  Min: minimum,
  Pow: (graph, a, b) => pow(graph, positive(graph, a), b),
  Fmod: (graph, a, b) => fmod(graph, a, mul(graph, positive(graph, b), graph.constant(0.3))),
  Where: (graph, a, b) => where(graph, less(graph, a, b), mul(graph, a, a), b),
}

const shapes: readonly [Shape, Shape][] = [
  [
    [3, 4],
    [3, 4],
  ],
  [
    [2, 3, 4],
    [3, 1],
  ],
  [[], [3, 4]],
]

export function* functionCases(): Generator<OperatorCase> {
  for (const batched of both) {
    const layout = batched ? 'batched' : 'plain'
    for (const [name, apply] of Object.entries(functions)) {
      const graph = new Graph()
      yield { name: `${name}, ${layout}`, graph, output: apply(graph, graph.input('x', [3, 4], { batched })) }
    }
    for (const [name, apply] of Object.entries(pairs))
      for (const [a, b] of shapes)
        for (const swapped of both) {
          const graph = new Graph()
          const [x, y] = [graph.input('x', a, { batched }), graph.input('y', b)]
          const output = swapped ? apply(graph, y, x) : apply(graph, x, y)
          yield { name: `${name} of ${layout} [${a}] and [${b}], ${swapped}`, graph, output }
        }
    for (const [name, reduce] of Object.entries({ reduceMax, reduceMin, reduceProd }))
      for (const axes of [[0], [1], [0, 2], [0, 1, 2]])
        for (const keep of [0, 1]) {
          const graph = new Graph()
          const output = reduce(graph, graph.input('x', [2, 3, 4], { batched }), axes, keep)
          yield { name: `${name} over ${axes}, keepdims ${keep}, ${layout}`, graph, output }
        }
  }
}
