import { expect, it } from 'vitest'
import { distances, outputsOf } from '../../src/engine/agreement.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import { mul } from '../../src/graph/operators/elementwise.ts'

/** y = factor x, element by element. */
function scaling(...factor: number[]) {
  const graph = new Graph()
  graph.output('y', mul(graph, graph.input('x', [1, 2]), graph.parameter('factor', [2])))
  return { graph, values: new Map([['factor', Float64Array.from(factor)]]) }
}
const apart = (...factors: [number[], number[]]) => {
  const [a, b] = factors.map((list) => outputsOf(openReference(), scaling(...list), 3))
  return distances(a, b).get('y')!
}

it('is the largest difference as a share of the largest output of the first', () => {
  expect(apart([2, 0], [2.5, 0])).toBeCloseTo(0.25, 12)
  expect(apart([0, 4], [0, 3])).toBeCloseTo(0.25, 12)
  expect(apart([1, 2], [1, 2])).toBe(0)
  expect(apart([0, 0], [0, 0])).toBe(0)
  expect(apart([0, 0], [0, 1])).toBe(Number.POSITIVE_INFINITY)
})

it('is no number where one output alone is none', () => {
  expect(apart([1, Number.NaN], [1, Number.NaN])).toBe(0)
  expect(apart([Number.NaN, Number.NaN], [Number.NaN, Number.NaN])).toBe(0)
  expect(apart([1, 1], [Number.NaN, 1])).toBeNaN()
})
