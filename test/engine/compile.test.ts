import { describe, expect, it } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import type { Operator } from '../../src/graph/operator.ts'
import { add, neg, relu } from '../../src/graph/operators/elementwise.ts'
import { gemm, type matmul } from '../../src/graph/operators/linear.ts'
import { expand, reduceSum, reshape } from '../../src/graph/operators/shape.ts'
import { best, wasm } from '../support/engines.ts'
import { evaluate } from '../support/evaluate.ts'

const reference = openReference()
const sixValues = [1, -2, 3, -4, 5, -6]
const outputsOf = (graph: Graph, values: Record<string, number[]>, machine: Machine = reference) =>
  Object.fromEntries(
    [...evaluate(machine, graph, new Map(Object.entries(values)))].map(([name, value]) => [name, [...value]]),
  )

describe.each([reference, best, wasm])('values come in and out in row-major order: $engine', (machine) => {
  it.each([true, false])('batched: %s', (batched) => {
    const graph = new Graph()
    const x = graph.input('x', [3, 2], { batched })
    graph.output('same', x)
    graph.output('minus', neg(graph, x))
    graph.output('plus', add(graph, x, graph.constant([10, 20, 30, 40, 50, 60], [3, 2], !batched)))
    expect(outputsOf(graph, { x: sixValues }, machine)).toEqual({
      same: sixValues,
      minus: [-1, 2, -3, 4, -5, 6],
      plus: [11, 18, 33, 36, 55, 54],
    })
  })

  it('scalars', () => {
    const graph = new Graph()
    const x = graph.input('x', [])
    graph.output('row', expand(graph, x, [3], false))
    graph.output('minus', neg(graph, x))
    expect(outputsOf(graph, { x: [7] }, machine)).toEqual({ row: [7, 7, 7], minus: [-7] })
  })
})

describe('outputs', () => {
  it.each([true, false])(
    'may be reshaped values, inputs, parameters, constants and other outputs: batched %s',
    (batched) => {
      const graph = new Graph()
      const x = graph.input('x', [3, 2], { batched })
      const w = graph.parameter('w', [2])
      const positive = relu(graph, x)
      graph.output('input', reshape(graph, x, [3, 2, 1]))
      graph.output('parameter', reshape(graph, w, [2, 1]))
      graph.output('constant', reshape(graph, graph.constant([8, 9], [2]), [1, 2]))
      graph.output('value', reshape(graph, neg(graph, x), [3, 1, 2]))
      graph.output('relu', positive)
      graph.output('another', reshape(graph, positive, [3, 1, 2]))
      graph.output('changed', neg(graph, reshape(graph, positive, [3, 2, 1])))
      graph.output('plain', reshape(graph, positive, [6], false))
      const positives = [1, 0, 3, 0, 5, 0]
      expect(outputsOf(graph, { x: sixValues, w: [1, 2] })).toEqual({
        input: sixValues,
        parameter: [1, 2],
        constant: [8, 9],
        value: [-1, 2, -3, 4, -5, 6],
        relu: positives,
        another: positives,
        changed: positives.map((v) => -v),
        plain: positives,
      })
    },
  )
})

describe('graphs that are compiled together', () => {
  it('share parameters and states by name, and nothing else', () => {
    const graphs = [1, 2].map((sign) => {
      const graph = new Graph()
      const sum = add(graph, graph.parameter('w', [2]), graph.state('s', [2]))
      graph.output('y', add(graph, sign === 1 ? sum : neg(graph, sum), graph.input('x', [2])))
      return graph
    })
    const together = compile(reference, { plus: graphs[0], minus: graphs[1] })
    together.view('w').set([1, 2])
    together.view('s').set([10, 20])
    together.write('plus', 'x', [100, 200])
    together.write('minus', 'x', [1000, 2000])
    together.run('plus')
    together.run('minus')
    expect([...together.read('plus', 'y')]).toEqual([111, 222])
    expect([...together.read('minus', 'y')]).toEqual([989, 1978])
  })

  it('must agree on shapes', () => {
    const [a, b] = [[2], [3]].map((shape) => {
      const graph = new Graph()
      graph.output('y', neg(graph, graph.parameter('w', shape)))
      return graph
    })
    expect(() => compile(reference, { a, b })).toThrow('w has shape [2] in one graph and [3] in b')
  })
})

describe('ReLU behind a product', () => {
  const network = (extra: (graph: Graph, product: ReturnType<typeof matmul>) => void) => {
    const graph = new Graph()
    const bias = graph.constant([1, -1, 0], [3])
    const y = gemm(graph, graph.input('x', [2, 2]), graph.parameter('w', [2, 3]), { bias })
    graph.output('relu', relu(graph, y))
    extra(graph, y)
    const kernels = compile(reference, { network: graph }).profile('network', 1)
    const outputs = outputsOf(graph, { x: [1, 2, -3, 4], w: [1, 0, -1, 0, 1, 2] })
    return { kernels: kernels.map(({ kernel }) => kernel), outputs }
  }

  it('is done by the product', () => {
    expect(network(() => {})).toEqual({ kernels: ['gemm'], outputs: { relu: [2, 1, 3, 0, 3, 11] } })
  })

  it('is not where something else reads the product', () => {
    const { kernels, outputs } = network((graph, y) => graph.output('sum', reduceSum(graph, y, [0, 1], 0)))
    expect(kernels).toEqual(['gemm', 'unary', 'reduce'])
    expect(outputs).toEqual({ relu: [2, 1, 3, 0, 3, 11], sum: [18] })
  })

  it('is not where the product is an output', () => {
    const { kernels, outputs } = network((graph, y) => graph.output('product', y))
    expect(kernels).toEqual(['gemm', 'unary'])
    expect(outputs).toEqual({ relu: [2, 1, 3, 0, 3, 11], product: [2, 1, 3, -2, 3, 11] })
  })
})

describe('mistakes', () => {
  const graph = new Graph()
  graph.output('y', neg(graph, graph.input('x', [3])))
  const network = compile(reference, { network: graph })

  it.each<[string, () => unknown, string]>([
    ['an unknown program', () => network.run('other'), 'no program named other; there are network'],
    ['an unknown parameter', () => network.view('w'), 'no parameter or state named w'],
    ['an unknown output', () => network.read('network', 'z'), 'program network has no input or output named z'],
    ['too few values', () => network.write('network', 'x', [1]), 'input x of network: expected 3 values, found 1'],
  ])('%s', (_name, act, message) => expect(act).toThrow(message))

  it('an operator without a kernel', () => {
    const Unknown: Operator = { name: 'Unknown', infer: ([x]) => [x] }
    const other = new Graph()
    other.output('y', other.apply(Unknown, [other.input('x', [3])])[0])
    expect(() => compile(reference, { other })).toThrow('the engine has no kernel for the operator Unknown')
  })
})
