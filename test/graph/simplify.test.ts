import { describe, expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { add, mul, neg, relu, sub } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { expand, reduceSum } from '../../src/graph/operators/shape.ts'
import { SgdStep } from '../../src/graph/operators/update.ts'
import { simplify } from '../../src/graph/simplify.ts'
import { random } from '../../src/util/random.ts'
import { Evaluator, evaluate, randomValues } from '../support/evaluate.ts'
import { variables, weightedSum } from '../support/finite-differences.ts'
import { randomGraph } from '../support/random-graph.ts'

const operators = (graph: Graph) => graph.nodes.map(({ operator }) => operator.name)

describe('nodes that nothing needs', () => {
  it('are dropped with their constants; inputs and parameters stay', () => {
    const graph = new Graph()
    const x = graph.input('x', [2, 3])
    linear(graph, x, 'unused', 4)
    relu(graph, mul(graph, x, graph.constant([1, 2, 3], [3])))
    graph.output('y', neg(graph, x))
    const simple = simplify(graph)
    expect(operators(simple)).toEqual(['Neg'])
    expect([...simple.tensors.keys()]).toEqual(['x', 'unused.weight', 'unused.bias', graph.outputs.get('y')!.name])
    expect(operators(graph)).toEqual(['Gemm', 'Mul', 'Relu', 'Neg'])
  })

  it('are kept where they feed an update', () => {
    const graph = new Graph()
    const w = graph.parameter('w', [3])
    const gradient = mul(graph, w, w)
    graph.apply(SgdStep, [w, gradient, graph.state('v', [3]), graph.state('hyper', [5])])
    neg(graph, gradient)
    expect(operators(simplify(graph))).toEqual(['Mul', 'SgdStep'])
  })
})

describe('operations on constants', () => {
  it('are folded, over several nodes', () => {
    const graph = new Graph()
    const [two, five] = [graph.constant(2), graph.constant(5, [2, 3])]
    const folded = neg(graph, sub(graph, mul(graph, expand(graph, two, [3], false), five), add(graph, two, two)))
    graph.output('constant', folded)
    graph.output('y', mul(graph, graph.input('x', [2, 3]), folded))
    const simple = simplify(graph)
    expect(operators(simple)).toEqual(['Mul'])
    expect(simple.outputs.get('constant')).toMatchObject({ role: 'constant', values: -6, shape: [2, 3] })
    expect(simple.withRole('constant')).toHaveLength(1)
  })

  it('are not folded where a constant holds different values', () => {
    const graph = new Graph()
    graph.output('y', neg(graph, graph.constant([1, 2], [2])))
    expect(operators(simplify(graph))).toEqual(['Neg'])
  })
})

describe('the result', () => {
  it('computes the same outputs with fewer nodes', () => {
    for (let seed = 0; seed < 60; seed++) {
      const rng = random(seed, 'simplify')
      const { graph: forward, computed } = randomGraph(rng, 15)
      const scalar = weightedSum(forward, computed.slice(-2), rng)
      const { graph, gradients } = differentiate(forward, scalar, variables(forward))
      for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
      // Compiling simplifies: an output for every value keeps the original whole.
      const whole = graph.clone()
      for (const [i, { outputs }] of graph.nodes.entries()) whole.output(`node ${i}`, outputs[0])
      expect(simplify(graph).nodes.length).toBeLessThan(graph.nodes.length)

      const values = randomValues(graph, rng)
      const expected = evaluate(openReference(), whole, values)
      for (const [name, value] of evaluate(openReference(), simplify(graph), values))
        expect(value, name).toEqual(expected.get(name))
    }
  })

  it('can be extended and simplified again', () => {
    for (let seed = 0; seed < 60; seed++) {
      const rng = random(seed, 'extended')
      const { graph, computed } = randomGraph(rng, 10)
      graph.output('y', computed.at(-1)!)
      const simple = simplify(graph)
      const { graph: extended, gradients } = differentiate(
        simple,
        weightedSum(simple, [...simple.outputs.values()], rng),
        variables(simple),
      )
      extended.output(
        'sum',
        gradients.map((gradient) => reduceAll(extended, gradient)).reduce((a, b) => add(extended, a, b)),
      )
      expect(() => new Evaluator(openReference(), simplify(extended))).not.toThrow()
    }
  })
})

function reduceAll(graph: Graph, x: Parameters<typeof neg>[1]) {
  const axes = x.shape.map((_, i) => i)
  return axes.length ? reduceSum(graph, x, axes, 0) : x
}
