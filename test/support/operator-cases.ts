/**
 * @file Small graphs around one operator each: all combinations of batched operands, transposes, axes and
 * broadcasts.
 */
import { Graph } from '../../src/graph/graph.ts'
import { abs, add, mul, neg, ReluGrad, relu, sub } from '../../src/graph/operators/elementwise.ts'
import { gemm, matmul } from '../../src/graph/operators/linear.ts'
import {
  crossEntropy,
  Softmax,
  SoftmaxCrossEntropyGrad,
  SoftmaxCrossEntropyLoss,
} from '../../src/graph/operators/loss.ts'
import { reduceMean } from '../../src/graph/operators/mean.ts'
import { expand, flatten, reduceSum, reshape, transpose } from '../../src/graph/operators/shape.ts'
import type { Shape, Tensor } from '../../src/graph/tensor.ts'
import { functionCases } from './function-cases.ts'
import { imageCases } from './image-cases.ts'

export interface OperatorCase {
  name: string
  graph: Graph
  output: Tensor
}

const both = [false, true]
const bits = [0, 1]

function* build(): Generator<OperatorCase> {
  const one = (name: string, output: (graph: Graph) => Tensor): OperatorCase => {
    const graph = new Graph()
    return { name, graph, output: output(graph) }
  }
  const layout = (batched: boolean) => (batched ? 'batched' : 'plain')
  const unary: [string, Shape, (graph: Graph, x: Tensor) => Tensor][] = [
    ['Neg', [3, 4], neg],
    ['Relu', [3, 4], relu],
    ['Abs', [3, 4], abs],
    ['Flatten', [3, 2, 2], flatten],
    ['Reshape, samples kept', [3, 2, 4], (graph, x) => reshape(graph, x, [3, 4, 2])],
    ['Reshape to other samples', [3, 2, 4], (graph, x) => reshape(graph, x, [6, 4], false)],
    ['Reshape to samples', [6, 4], (graph, x) => reshape(graph, reshape(graph, x, [2, 12], false), [2, 3, 4], true)],
    ['Transpose, samples kept', [3, 2, 4], (graph, x) => transpose(graph, x, [0, 2, 1])],
    ['Transpose of four axes', [2, 3, 4, 2], (graph, x) => transpose(graph, x, [0, 3, 1, 2])],
    ['Expand an axis', [3, 1, 2], (graph, x) => expand(graph, x, [3, 4, 2], x.batched)],
    ['Expand by an axis', [3, 1], (graph, x) => expand(graph, x, [2, 3, 4], false)],
    ['Expand the samples', [1, 4], (graph, x) => expand(graph, x, [3, 4], true)],
    ['x x', [3, 4], (graph, x) => mul(graph, x, x)],
    ['x + flatten(x)', [3, 4], (graph, x) => add(graph, x, flatten(graph, x))],
    ...[[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]].flatMap((axes) =>
      bits.flatMap((keepdims): [string, Shape, (graph: Graph, x: Tensor) => Tensor][] => [
        [`ReduceSum over ${axes}, keepdims ${keepdims}`, [2, 3, 4], (graph, x) => reduceSum(graph, x, axes, keepdims)],
        [
          `ReduceMean over ${axes}, keepdims ${keepdims}`,
          [2, 3, 4],
          (graph, x) => reduceMean(graph, x, axes, keepdims),
        ],
      ]),
    ),
  ]
  for (const [name, shape, operator] of unary)
    for (const batched of both)
      yield one(`${name}, ${layout(batched)}`, (graph) => operator(graph, graph.input('x', shape, { batched })))

  const pairs: [Shape, Shape][] = [
    [
      [3, 4],
      [3, 4],
    ],
    [[3, 4], [4]],
    [[3, 4], [1]],
    [[3, 4], []],
    [
      [3, 1],
      [1, 4],
    ],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [[], []],
  ]
  for (const [name, operator] of [
    ['Add', add],
    ['Sub', sub],
    ['Mul', mul],
  ] as const)
    for (const [a, b] of pairs)
      for (const [batchedA, batchedB] of both.flatMap((m) => both.map((n) => [m, n])))
        for (const swapped of both)
          yield one(`${name} of ${layout(batchedA)} [${a}] and ${layout(batchedB)} [${b}], ${swapped}`, (graph) => {
            const x = graph.input('x', a, { batched: batchedA })
            const y = graph.input('y', b, { batched: batchedB })
            return swapped ? operator(graph, y, x) : operator(graph, x, y)
          })

  for (const batchedA of both)
    for (const batchedB of both) {
      const inputs = (graph: Graph, a: Shape, b: Shape) => [
        graph.input('a', a, { batched: batchedA }),
        graph.input('b', b, { batched: batchedB }),
      ]
      const layouts = `${layout(batchedA)} and ${layout(batchedB)}`
      yield one(`ReluGrad of ${layouts}`, (graph) => graph.apply(ReluGrad, inputs(graph, [3, 4], [3, 4]))[0])
      yield one(`MatMul of ${layouts}`, (graph) => {
        const [a, b] = inputs(graph, [3, 4], [4, 2])
        return matmul(graph, a, b)
      })
      for (const transA of bits)
        for (const transB of bits)
          for (const scaled of both)
            yield one(`Gemm of ${layouts}, transA ${transA}, transB ${transB}, scaled ${scaled}`, (graph) => {
              const [a, b] = inputs(graph, transA ? [4, 3] : [3, 4], transB ? [2, 4] : [4, 2])
              const bias = graph.parameter('bias', [2])
              return gemm(graph, a, b, { transA, transB, bias, ...(scaled && { alpha: 0.5, beta: -2 }) })
            })
    }

  for (const [axis, batched] of [
    [0, false],
    [1, false],
    [1, true],
    [2, true],
  ] as const)
    yield one(`Softmax along ${axis}, ${layout(batched)}`, (graph) => {
      return graph.apply(Softmax, [graph.input('x', [3, 4, 2], { batched })], { axis })[0]
    })
  yield one('SoftmaxCrossEntropyLoss', (graph) => {
    return graph.apply(SoftmaxCrossEntropyLoss, [graph.input('x', [4, 3]), graph.input('labels', [4])])[0]
  })
  yield one('SoftmaxCrossEntropyGrad', (graph) => {
    const inputs = [graph.input('x', [4, 3]), graph.input('labels', [4]), graph.input('dloss', [4])]
    return graph.apply(SoftmaxCrossEntropyGrad, inputs)[0]
  })
  for (const classes of [3, 1])
    yield one(`mean cross-entropy of logits [4, ${classes}]`, (graph) => {
      return crossEntropy(graph, graph.input('x', [4, classes]), graph.input('labels', [4]))
    })
}

export const operatorCases: readonly OperatorCase[] = [...build(), ...functionCases(), ...imageCases]
