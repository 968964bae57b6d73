/**
 * @file One pass over the samples gives a convolution's weight gradient and the sum of the squares of its
 * samples' gradients.
 */
import { expect, it } from 'vitest'
import { fuse } from '../../src/engine/fuse.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { ConvSampleSquares, convLayer } from '../../src/graph/operators/conv.ts'
import { mul } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { flatten, reduceSum } from '../../src/graph/operators/shape.ts'
import { perSampleSquares } from '../../src/graph/per-sample.ts'
import { simplify } from '../../src/graph/simplify.ts'
import { type Random, random } from '../../src/util/random.ts'
import { onEveryEngine } from '../support/engines.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'

type Wish = 'sum' | 'squares'

/**
 * Convolutions of every kind on random sizes: strided, 3 x 3 of many channels, depthwise, 1 x 1; a linear
 * layer.
 */
function network(rng: Random, wishes: readonly Wish[]): Graph {
  const among = (...values: number[]) => values[rng.below(values.length)]
  const graph = new Graph()
  const channels = among(8, 12, 19)
  let x = graph.input('x', [among(3, 8, 17, 33), 2, among(6, 7), among(6, 9)])
  x = convLayer(graph, x, 'strided', channels, 3, { pad: 1, stride: among(1, 2), bias: true })
  x = convLayer(graph, x, 'three', among(8, 9, 20), 3, { pad: 1 })
  x = convLayer(graph, x, 'depthwise', x.shape[1], 3, { pad: 1, group: x.shape[1] })
  x = convLayer(graph, x, 'pointwise', 5, 1)
  const y = linear(graph, flatten(graph, x), 'fc', 3)
  const losses = reduceSum(graph, mul(graph, y, y), [1], 0)
  const { graph: all, sums, results } = perSampleSquares(graph, losses, graph.withRole('parameter'))
  for (const [i, { name }] of graph.withRole('parameter').entries()) {
    if (wishes.includes('sum')) all.output(`${name}/sum`, sums[i])
    if (wishes.includes('squares')) all.output(`${name}/squares`, results[i])
  }
  return all
}

const count = (graph: Graph, name: string) =>
  fuse(simplify(graph)).nodes.filter(({ operator }) => operator.name === name).length

it('no pass of its own for the sum', () => {
  const both = network(random(0, 'both'), ['sum', 'squares'])
  expect([count(both, 'ConvWeightGrad'), count(both, 'ConvSampleSquares')]).toEqual([0, 4])
  const sums = network(random(0, 'both'), ['sum'])
  expect([count(sums, 'ConvWeightGrad'), count(sums, 'ConvSampleSquares')]).toEqual([4, 0])
  const squares = network(random(0, 'both'), ['squares'])
  expect([count(squares, 'ConvWeightGrad'), count(squares, 'ConvSampleSquares')]).toEqual([0, 4])
})

it('squares that are asked for twice share their sum with one of them', () => {
  const graph = new Graph()
  const y = convLayer(graph, graph.input('x', [3, 2, 4, 4]), 'conv', 3, 2)
  const loss = reduceSum(graph, mul(graph, y, y), [0, 1, 2, 3], 0)
  const { graph: all, gradients } = differentiate(graph, loss, graph.withRole('parameter'))
  const { inputs, attributes } = all.nodes.find(({ outputs }) => outputs[0] === gradients[0])!
  all.output('sum', gradients[0])
  for (const name of ['squares', 'again']) all.output(name, all.apply(ConvSampleSquares, inputs, attributes)[0])
  expect([count(all, 'ConvWeightGrad'), count(all, 'ConvSampleSquares')]).toEqual([0, 2])
  const results = evaluate(openReference(), all, randomValues(all, random(0, 'twice')))
  expect(results.get('again')).toEqual(results.get('squares'))
  expect(results.get('sum')!.some((value) => value !== 0)).toBe(true)
})

onEveryEngine((machines) => {
  const run = (machine: Machine, seed: number, wishes: readonly Wish[]) => {
    const graph = network(random(seed, 'shapes'), wishes)
    return evaluate(machine, graph, randomValues(graph, random(seed, 'values')))
  }

  it.each([1, 2, 3, 4, 5, 6])('equal to what either gives alone, whatever the threads: network %i', (seed) => {
    const together = run(machines[0], seed, ['sum', 'squares'])
    for (const machine of machines.slice(1)) expect(run(machine, seed, ['sum', 'squares'])).toEqual(together)
    const squares = run(machines[0], seed, ['squares'])
    for (const [name, values] of squares) expect(together.get(name), name).toEqual(values)
    const sums = run(machines[0], seed, ['sum'])
    const exact = run(openReference(), seed, ['sum'])
    const error = (results: ReadonlyMap<string, ArrayLike<number>>, name: string) => {
      const want = Array.from(exact.get(name)!)
      const most = want.reduce((size, value) => Math.max(size, Math.abs(value)), 0)
      return (
        Array.from(results.get(name)!).reduce((worst, got, i) => Math.max(worst, Math.abs(got - want[i])), 0) / most
      )
    }
    for (const name of sums.keys()) {
      expect(error(sums, name), name).toBeLessThan(1e-5)
      expect(error(together, name), name).toBeLessThan(Math.max(2 * error(sums, name), 1e-6))
    }
  })
})
