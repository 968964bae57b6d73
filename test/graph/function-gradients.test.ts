import { describe, expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { maximum, minimum, modulo, pow } from '../../src/graph/operators/arithmetic.ts'
import { where } from '../../src/graph/operators/comparisons.ts'
import { mul } from '../../src/graph/operators/elementwise.ts'
import { exp, floor, roundThrough } from '../../src/graph/operators/functions.ts'
import { reduceMax, reduceProd } from '../../src/graph/operators/reductions.ts'
import { reduceSum } from '../../src/graph/operators/shape.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { evaluate } from '../support/evaluate.ts'

/** The gradient of the sum of f(x), each element i of it i + 1 times. */
function gradientAt(values: readonly number[], f: (graph: Graph, x: Tensor) => Tensor): number[] {
  const source = new Graph()
  const x = source.input('x', [values.length], { batched: false })
  const y = f(source, x)
  const weights = source.constant(
    Array.from({ length: y.shape[0] ?? 1 }, (_, i) => i + 1),
    y.shape,
  )
  const loss = reduceSum(source, mul(source, y, weights), [0], 0)
  const { graph, gradients } = differentiate(source, loss, [x])
  graph.output('gradient', gradients[0])
  return Array.from(evaluate(openReference(), graph, new Map([['x', values]])).get('gradient')!)
}

const list = (graph: Graph, values: readonly number[]) => graph.constant(values, [values.length])

/** The value of f(x). */
function valueAt(values: readonly number[], f: (graph: Graph, x: Tensor) => Tensor): number[] {
  const graph = new Graph()
  graph.output('y', f(graph, graph.input('x', [values.length], { batched: false })))
  return Array.from(evaluate(openReference(), graph, new Map([['x', values]])).get('y')!)
}

describe('gradients where finite differences do not reach', () => {
  it('a product of values of which one is 0, two are, or none is', () => {
    const product = (graph: Graph, x: Tensor) => reduceProd(graph, x, [0])
    expect(gradientAt([2, 0, 5], product)).toEqual([0, 10, 0])
    expect(gradientAt([0, 3, 0], product)).toEqual([0, 0, 0])
    expect(gradientAt([2, 3, 5], product)).toEqual([15, 10, 6])
  })

  it('equal largest values share the gradient', () => {
    expect(gradientAt([1, 4, 4, 2], (graph, x) => reduceMax(graph, x, [0]))).toEqual([0, 0.5, 0.5, 0])
  })

  it('of two equal numbers the first gets the gradient', () => {
    const two = [1, -1, 3]
    for (const of of [maximum, minimum]) {
      expect(gradientAt(two, (graph, x) => of(graph, x, list(graph, two)))).toEqual([1, 2, 3])
      expect(gradientAt(two, (graph, x) => of(graph, list(graph, two), x))).toEqual([0, 0, 0])
    }
  })

  it('a choice gives no gradient to what it does not choose, and takes what is infinite', () => {
    const masked = (graph: Graph, x: Tensor) =>
      exp(graph, where(graph, list(graph, [1, 0, 1]), x, graph.constant(-Infinity)))
    expect(gradientAt([0, 5, 0], masked)).toEqual([1, 0, 3])
  })

  it('powers of 0, and the power 0', () => {
    expect(gradientAt([0, 2], (graph, x) => pow(graph, x, graph.constant(0)))).toEqual([0, 0])
    expect(gradientAt([0, 2], (graph, x) => pow(graph, x, graph.constant(3)))).toEqual([0, 24])
    expect(gradientAt([0, 2], (graph, x) => pow(graph, list(graph, [0, 1]), x))).toEqual([0, 0])
  })

  it('steps have none, and rounding passes its own through where it is asked to', () => {
    expect(gradientAt([0.4, 1.6], floor)).toEqual([0, 0])
    expect(gradientAt([0.4, 1.6], roundThrough)).toEqual([1, 2])
  })
})

describe('remainders', () => {
  it('have the sign of the divisor', () => {
    const by = [3, 3, -3, -3, 3]
    expect(valueAt([4, -4, 4, -4, -3], (graph, x) => modulo(graph, x, list(graph, by)))).toEqual([1, 2, -2, -1, 0])
  })
})
