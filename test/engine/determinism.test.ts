import { describe, expect, it } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openNative } from '../../src/engine/machines/native.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { loadBatch } from '../../src/graph/operators/batch.ts'
import { relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { crossEntropy } from '../../src/graph/operators/loss.ts'
import { flatten, reduceSum } from '../../src/graph/operators/shape.ts'
import { SgdStep } from '../../src/graph/operators/update.ts'
import { random } from '../../src/util/random.ts'
import { sets, wasm } from '../support/engines.ts'
import { evaluate, randomValues } from '../support/evaluate.ts'
import { randomNetwork } from '../support/random-network.ts'

const COUNT = 200
const BATCH = 50

/** One step of LeNet-300-100 on batches of a size that no vector divides. */
function trainingStep(): Graph {
  const forward = new Graph()
  const source = { name: 'data', count: COUNT, image: [1, 28, 28], mean: [0.1307], std: [0.3081] }
  const { images, labels } = loadBatch(forward, source, BATCH)
  const first = relu(forward, linear(forward, flatten(forward, images), 'fc1', 300))
  const second = relu(forward, linear(forward, first, 'fc2', 100))
  const loss = crossEntropy(forward, linear(forward, second, 'fc3', 10), labels)
  forward.output('loss', loss)
  const parameters = forward.withRole('parameter')
  const { graph, gradients } = differentiate(forward, loss, parameters)
  parameters.forEach((parameter, i) => {
    const momentum = graph.state(`${parameter.name}.momentum`, parameter.shape)
    const mask = graph.state(`${parameter.name}.mask`, parameter.shape)
    graph.apply(SgdStep, [parameter, gradients[i], momentum, graph.state('hyper', [5]), mask])
  })
  return graph
}

/** Losses and weights of a few steps. */
function train(machine: Machine, steps: number) {
  const graph = trainingStep()
  const network = compile(machine, { step: graph })
  const rng = random(1, 'network')
  const parameters = graph.withRole('parameter')
  network.bytes('data.images').forEach((_, i, bytes) => {
    bytes[i] = rng.below(256)
  })
  network.view('data.labels').forEach((_, i, labels) => {
    labels[i] = i % 10
  })
  network.view('hyper').set([0.1, 0.9, 1e-4, 1, 1e-5])
  for (const { name, initial } of parameters) {
    const bound = 1 / Math.sqrt((initial as { in: number }).in)
    for (const i of network.view(name).keys()) {
      network.view(`${name}.mask`)[i] = rng.below(4) ? 1 : 0
      network.view(name)[i] = bound * (2 * rng.uniform() - 1) * network.view(`${name}.mask`)[i]
    }
  }
  const losses = Array.from({ length: steps }, (_, step) => {
    network.write(
      'step',
      'index',
      Array.from({ length: BATCH }, (_, i) => (step * BATCH + i) % COUNT),
    )
    network.run('step')
    return network.scalar('step', 'loss')
  })
  const weights = parameters.map(({ name }) => Buffer.from(network.view(name).slice().buffer))
  return { losses, weights: Buffer.concat(weights) }
}

const STEPS = 8
const inWasm = train(wasm, STEPS)

it('the loss falls', () => {
  expect(inWasm.losses[0]).toBeCloseTo(Math.log(10), 0)
  expect(inWasm.losses[STEPS - 1]).toBeLessThan(inWasm.losses[0] - 0.1)
})

describe.each(sets)('training with %s', (set) => {
  const alone = train(openNative(1, set), STEPS)

  // 2 and 4 are usual; 3 gives shares of different sizes.
  it.each([2, 3, 4])('on %i threads gives the same bits as on one', (threads) => {
    const together = train(openNative(threads, set), STEPS)
    expect(together.losses).toEqual(alone.losses)
    expect(together.weights.equals(alone.weights)).toBe(true)
  })

  it('follows the losses of WebAssembly', () => {
    for (const [i, loss] of alone.losses.entries()) expect(Math.abs(loss - inWasm.losses[i])).toBeLessThan(1e-4)
  })
})

describe.each(sets)('random image networks with %s', (set) => {
  it('give the same bits on 1, 2, 3 and 4 threads', () => {
    for (let seed = 0; seed < 12; seed++) {
      const { graph: forward, logits } = randomNetwork(random(seed, 'threads'), 8, [3, 17, 64][seed % 3], true)
      const scalar = reduceSum(forward, logits, [0, 1], 0)
      const { graph, gradients } = differentiate(forward, scalar, forward.withRole('parameter'))
      for (const [i, gradient] of gradients.entries()) graph.output(`gradient ${i}`, gradient)
      const values = randomValues(graph, random(seed, 'values'))
      const [alone, ...together] = [1, 2, 3, 4].map((threads) => evaluate(openNative(threads, set), graph, values))
      for (const results of together) expect(results).toEqual(alone)
    }
  })
})
