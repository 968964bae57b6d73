/**
 * @file A small residual network, with the statistics of the batch or given ones: derivatives, and every
 * engine alike.
 */
import { describe, expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { convLayer } from '../../src/graph/operators/conv.ts'
import { add, relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { crossEntropy } from '../../src/graph/operators/loss.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { globalAveragePool, maxPool } from '../../src/graph/operators/pooling.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { random } from '../../src/util/random.ts'
import { best, wasm } from '../support/engines.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'
import { expectGradients, expectHessian, variables, weightedSum } from '../support/finite-differences.ts'
import { randomNetwork } from '../support/random-network.ts'

/** conv-BN-ReLU-conv-BN plus a 1x1 shortcut, ReLU, pooling, a classifier and mean cross-entropy. */
function network(training: boolean): { graph: Graph; loss: Tensor } {
  const graph = new Graph()
  const x = graph.input('x', [5, 2, 6, 5])
  const normalized = (from: Tensor, name: string, kernel: number, stride: number) =>
    batchNorm(graph, convLayer(graph, from, name, 3, kernel, { stride, pad: (kernel - 1) / 2 }), `${name}.bn`, training)
  const hidden = relu(graph, normalized(x, 'conv1', 3, 2))
  const block = relu(graph, add(graph, normalized(hidden, 'conv2', 3, 1), normalized(x, 'shortcut', 1, 2)))
  const pooled = globalAveragePool(graph, maxPool(graph, block, { kernel: [2, 2], strides: [1, 1] }))
  const logits = linear(graph, flatten(graph, pooled), 'fc', 2)
  return { graph, loss: crossEntropy(graph, logits, graph.input('labels', [5])) }
}

/** The gradient in every variable, and its product with the Hessian along a random vector, as outputs. */
function withDerivatives({ graph: source, loss }: { graph: Graph; loss: Tensor }): Graph {
  const first = differentiate(source, loss, variables(source))
  const along = weightedSum(first.graph, first.gradients, random(3, 'direction'))
  const { graph, gradients } = differentiate(first.graph, along, variables(source))
  graph.output('loss', loss)
  for (const [i, gradient] of first.gradients.entries()) graph.output(`gradient ${i}`, gradient)
  for (const [i, product] of gradients.entries()) graph.output(`product ${i}`, product)
  return graph
}

/** Engines differ from the reference by roundings, relative to the largest value of an output. */
function expectEngines(graph: Graph, seed: number, tolerance: number): void {
  const values = randomValues(graph, random(seed, 'values'))
  const expected = evaluate(openReference(), graph, values)
  for (const machine of new Set([best, wasm])) {
    const got = evaluate(machine, graph, values)
    for (const [name, floats] of expected) {
      const want = Array.from(floats)
      const largest = want.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
      const worst = want.reduce((a, b, i) => Math.max(a, Math.abs(b - got.get(name)![i])), 0)
      expect(worst, `${machine.engine}, ${seed}: ${name}`).toBeLessThanOrEqual(tolerance * (largest + 1))
    }
  }
}

describe.each([
  ['the statistics of the batch', true],
  ['given statistics', false],
])('a residual network with %s', (_name, training) => {
  const { graph, loss } = network(training)

  it('gradient', () => expectGradients(graph, loss))
  it('Hessian-vector products', () => expectHessian(graph, loss))
  it('is the same on every engine', () => expectEngines(withDerivatives({ graph, loss }), 1, 2e-5))
})

describe('random image networks', () => {
  it.each([true, false])('first derivatives; training: %s', (training) => {
    for (let seed = 0; seed < 25; seed++) {
      const { graph, logits } = randomNetwork(random(seed, 'image'), 7, 4, training)
      expectGradients(graph, weightedSum(graph, [logits], random(seed, 'weights')), seed)
    }
  })

  it.each([true, false])('gradients in float32; training: %s', (training) => {
    for (let seed = 0; seed < 25; seed++) {
      const { graph: source, logits } = randomNetwork(random(seed, 'float32'), 8, [1, 3, 17][seed % 3], training)
      const scalar = weightedSum(source, [logits], random(seed, 'weights'))
      const { graph, gradients } = differentiate(source, scalar, variables(source))
      for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
      expectEngines(graph, seed, 1e-4)
    }
  })
})
