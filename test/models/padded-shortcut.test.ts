/** @file Residual blocks with option-A shortcuts (He et al. 2016). */
import { expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { crossEntropy } from '../../src/graph/operators/loss.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import { basicBlock } from '../../src/models/layers.ts'
import { evaluate } from '../support/evaluate.ts'
import { expectGradients } from '../support/finite-differences.ts'

const options = { width: 3, stride: 2, shortcut: 'padded', training: false } as const

it('every second pixel, then channels of zeros: a block whose convolutions are zero', () => {
  const graph = new Graph()
  graph.output('y', basicBlock(graph, graph.input('x', [1, 2, 3, 4]), 'block', options))
  const values = new Map([['x', Array.from({ length: 24 }, (_, i) => i)]])
  for (const { name, shape } of graph.withRole('parameter'))
    values.set(name, new Array(shape.reduce((a, b) => a * b, 1)).fill(0))
  for (const { name, shape, initial } of graph.withRole('buffer'))
    values.set(name, new Array(shape[0]).fill(initial as number))
  const y = evaluate(openReference(), graph, values).get('y')!
  expect([...y]).toEqual([0, 2, 8, 10, 12, 14, 20, 22, 0, 0, 0, 0])
})

it.each([true, false])('gradient; training: %s', (training) => {
  const graph = new Graph()
  const block = basicBlock(graph, graph.input('x', [3, 2, 5, 4]), 'block', { ...options, training })
  const logits = linear(graph, flatten(graph, block), 'fc', 2)
  expectGradients(graph, crossEntropy(graph, logits, graph.input('labels', [3])))
})
