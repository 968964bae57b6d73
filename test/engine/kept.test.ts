import { expect, it } from 'vitest'
import { keptForBackward } from '../../src/engine/kept.ts'
import { layOut } from '../../src/engine/lay-out.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { convLayer } from '../../src/graph/operators/conv.ts'
import { add, neg, relu, sigmoid } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { crossEntropy } from '../../src/graph/operators/loss.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import type { Tensor } from '../../src/graph/tensor.ts'

/** What is kept when the cross-entropy of the logits is differentiated, as names where `known` has one. */
function keptOf(build: (graph: Graph, x: Tensor) => { logits: Tensor; known: Record<string, Tensor> }): string[] {
  const forward = new Graph()
  const { logits, known } = build(forward, forward.input('x', [4, 2, 3, 3]))
  const loss = crossEntropy(forward, logits, forward.input('labels', [4]))
  forward.output('loss', loss)
  const { graph, gradients } = differentiate(forward, loss, forward.withRole('parameter'))
  for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
  const step = layOut({ step: graph }).programs.get('step')!.graph
  const names = new Map(Object.entries(known).map(([name, tensor]) => [tensor, name]))
  return [...keptForBackward(step, forward)].map((tensor) => names.get(tensor) ?? tensor.name).sort()
}

it('two layers: the hidden activation and the logits, not what the ReLU came from, nor the input', () => {
  const kept = keptOf((graph, x) => {
    const before = linear(graph, flatten(graph, x), 'fc1', 5)
    const hidden = relu(graph, before)
    const logits = linear(graph, hidden, 'fc2', 3)
    return { logits, known: { before, hidden, logits } }
  })
  expect(kept).toEqual(['hidden', 'logits'])
})

it('a value under two shapes is one', () => {
  const kept = keptOf((graph, x) => {
    const hidden = relu(graph, convLayer(graph, x, 'conv', 4, 3))
    const logits = linear(graph, flatten(graph, hidden), 'fc', 3)
    return { logits, known: { hidden, logits } }
  })
  expect(kept).toEqual(['hidden', 'logits'])
})

it('batch normalization: its input and statistics, and what comes out of the ReLU behind it', () => {
  const kept = keptOf((graph, x) => {
    const before = convLayer(graph, x, 'conv', 4, 3, { pad: 1 })
    const normal = batchNorm(graph, before, 'bn', true)
    const [, mean, variance] = graph.nodes.find(({ operator }) => operator.name === 'BatchNormTrain')!.outputs
    const hidden = relu(graph, normal)
    const logits = linear(graph, flatten(graph, hidden), 'fc', 3)
    return { logits, known: { before, normal, mean, variance, hidden, logits } }
  })
  expect(kept).toEqual(['before', 'hidden', 'logits', 'mean', 'variance'])
})

it('sums keep nothing, sigmoids their result', () => {
  const kept = keptOf((graph, x) => {
    const y = linear(graph, flatten(graph, x), 'fc', 3)
    const gate = sigmoid(graph, y)
    const logits = neg(graph, add(graph, gate, y))
    return { logits, known: { y, gate, logits } }
  })
  expect(kept).toEqual(['gate', 'logits'])
})

it('nothing, where nothing is differentiated', () => {
  const forward = new Graph()
  forward.output('y', neg(forward, forward.input('x', [3])))
  expect(keptForBackward(layOut({ forward }).programs.get('forward')!.graph, forward)).toEqual(new Set())
})
