import { describe, expect, it } from 'vitest'
import { Graph } from '../../src/graph/graph.ts'
import { ShapeError } from '../../src/graph/operator.ts'
import { convTranspose } from '../../src/graph/operators/conv-transpose.ts'
import { gather, scatter, topK } from '../../src/graph/operators/gather.ts'
import { picks, Resample, resample, tableOf, transposedTable } from '../../src/graph/operators/resample.ts'
import type { Shape } from '../../src/graph/tensor.ts'

const given = (shape: Shape, batched = false) => {
  const graph = new Graph()
  return { graph, x: graph.input('x', shape, { batched }) }
}

describe('what does not fit along an axis is refused', () => {
  it.each<[string, () => unknown, string]>([
    [
      'the axis of the samples',
      () => {
        const { graph, x } = given([3, 4], true)
        return resample(graph, x, 0, picks(3, [2, 1]))
      },
      'Resample: axis 0 is not one of x [3, 4] that can be changed',
    ],
    [
      'places of a table',
      () => {
        const { graph, x } = given([3, 4])
        return resample(graph, x, 1, picks(5, [4]))
      },
      'Resample: the table has a place that is not one of the 4 of x [3, 4]',
    ],
    [
      'rows of a table',
      () => {
        const { graph, x } = given([3, 4])
        return graph.apply(Resample, [x], { axis: 1, starts: [0, 2, 1], places: [0], weights: [1] })
      },
      'Resample: the table has 1 places and 1 weights in rows that are not all of them',
    ],
    [
      'an index of another layout',
      () => {
        const { graph, x } = given([3, 4], true)
        return gather(graph, x, graph.input('i', [3, 2], { batched: false }), 1)
      },
      'Gather: expected an index of [2] or [3,2], found i [3, 2]',
    ],
    [
      'an index of another size',
      () => {
        const { graph, x } = given([3, 4])
        return scatter(graph, graph.input('i', [5], { batched: false }), x, 1, { size: 9 })
      },
      'Scatter: expected an index of [4] or [3,4], found i [5]',
    ],
    [
      'something else to put into',
      () => {
        const { graph, x } = given([3, 4])
        return scatter(graph, graph.input('i', [4], { batched: false }), x, 1, { size: 9, into: x })
      },
      'Scatter: expected [3,9] to put x [3, 4] into, found x [3, 4]',
    ],
    [
      'a k beyond the axis',
      () => topK(given([3, 4]).graph, given([3, 4]).x, 1, 5),
      'TopK: expected a k of 1 to 4, found 5',
    ],
    [
      'a result that is not convolved back',
      () => {
        const { graph, x } = given([1, 2, 4, 4], true)
        return convTranspose(graph, x, graph.parameter('w', [2, 3, 2, 2]), [1, 3, 7, 7])
      },
      'ConvTranspose: [1, 3, 7, 7] with w [2, 3, 2, 2] is convolved to [1,2,6,6], not to x [1, 2, 4, 4]',
    ],
  ])('%s', (_what, build, message) => {
    expect(build).toThrow(ShapeError)
    expect(build).toThrow(message)
  })
})

it('a table that changes nothing is no node, and its transpose exchanges rows and columns', () => {
  const { graph, x } = given([3, 4])
  expect(resample(graph, x, 1, picks(4, [0, 1, 2, 3]))).toBe(x)
  expect(resample(graph, x, 1, picks(4, [0, 1, 2]))).not.toBe(x)
  const table = tableOf(3, [
    [[2, 5]],
    [],
    [
      [0, 1],
      [2, -1],
    ],
    [[2, 4]],
  ])
  expect(transposedTable(table)).toEqual(
    tableOf(4, [
      [[2, 1]],
      [],
      [
        [0, 5],
        [2, -1],
        [3, 4],
      ],
    ]),
  )
  expect(transposedTable(transposedTable(table))).toEqual(table)
})
