import { describe, expect, it } from 'vitest'
import { Graph } from '../../src/graph/graph.ts'
import { add } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'

describe('tensors of a graph', () => {
  it('have unique names', () => {
    const graph = new Graph()
    graph.input('x', [3])
    expect(() => graph.parameter('x', [3])).toThrow(/already has a tensor named x$/)
    linear(graph, graph.input('y', [3, 4]), 'fc1', 2)
    expect(() => linear(graph, graph.tensors.get('y')!, 'fc1', 2)).toThrow(/already has a tensor named fc1.weight$/)
  })

  it.each([[[0]], [[3, -1]], [[2.5]], [[Number.NaN]]])('have whole sizes of 1 or more, not [%s]', (shape) => {
    expect(() => new Graph().input('x', shape)).toThrow(/^tensor x: expected sizes of 1 or more, found \[/)
  })

  it('a state is the same tensor at every mention, and has one shape', () => {
    const graph = new Graph()
    expect(graph.state('s', [3])).toBe(graph.state('s', [3]))
    expect(() => graph.state('s', [4])).toThrow('state s has shape [3], not [4]')
    graph.input('x', [3])
    expect(() => graph.state('x', [3])).toThrow(/already has a tensor named x$/)
  })

  it('a constant has as many values as its shape says', () => {
    expect(() => new Graph().constant([1, 2, 3], [2, 2])).toThrow('constant of shape [2, 2] needs 4 values, found 3')
  })

  it('names stay unique in a graph that has lost some', () => {
    const graph = new Graph()
    const x = graph.input('x', [3])
    const y = add(graph, x, graph.constant(1))
    graph.tensors.delete(y.name)
    graph.tensors.delete([...graph.tensors.keys()].at(-1)!)
    const names = [1, 2, 3].map(() => add(graph, x, x).name)
    expect(new Set(names).size).toBe(3)
  })
})
