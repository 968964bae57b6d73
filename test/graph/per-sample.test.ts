/** @file Per-sample gradients and their squares equal the gradients of the samples, one by one. */
import { describe, expect, test } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import type { EngineName } from '../../src/engine/machine.ts'
import { openMachine } from '../../src/engine/machines/open.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { convLayer } from '../../src/graph/operators/conv.ts'
import { relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { sampleCrossEntropy } from '../../src/graph/operators/loss.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { maxPool } from '../../src/graph/operators/pooling.ts'
import { flatten, reduceSum } from '../../src/graph/operators/shape.ts'
import { perSampleGradients, perSampleSquares } from '../../src/graph/per-sample.ts'
import { random } from '../../src/util/random.ts'
import { largestDifference } from '../support/difference.ts'

const SAMPLES = 5
const IMAGE = 2 * 7 * 7

/** Convolution, batch normalization, pooling and a linear layer with bias: every kind of parameter. */
function network(batch: number, { outputs = 4, training = false } = {}) {
  const graph = new Graph()
  const images = graph.input('images', [batch, 2, 7, 7])
  const labels = graph.input('labels', [batch])
  let x = convLayer(graph, images, 'conv', 3, 3, { pad: 1, stride: 2, bias: true })
  x = relu(graph, batchNorm(graph, x, 'bn', training))
  x = maxPool(graph, x, { kernel: [2, 2] })
  const logits = linear(graph, flatten(graph, x), 'fc', outputs)
  const losses = sampleCrossEntropy(graph, logits, labels)
  return { graph, losses, parameters: graph.withRole('parameter') }
}

const draw = random(0, 'per-sample test')
const images = Float64Array.from({ length: SAMPLES * IMAGE }, () => draw.normal())
/** The gradients with four logits, or one score of two classes. */
describe.each([4, 1])('%d outputs', (outputs) => {
  const labels = Float64Array.from({ length: SAMPLES }, () => draw.below(Math.max(outputs, 2)))
  const values = new Map<string, Float64Array>()

  async function run(engine: EngineName, graph: Graph, first: number, batch: number): Promise<Map<string, number[]>> {
    const executable = compile(await openMachine({ engine, threads: 1 }), { p: graph })
    for (const { name } of [...graph.withRole('parameter'), ...graph.withRole('buffer')]) {
      const view = executable.view(name)
      if (!values.has(name))
        values.set(
          name,
          Float64Array.from(view, () => 0.2 + 0.5 * draw.uniform()),
        )
      view.set(values.get(name)!)
    }
    executable.write('p', 'images', images.subarray(first * IMAGE, (first + batch) * IMAGE))
    executable.write('p', 'labels', labels.subarray(first, first + batch))
    executable.run('p')
    return new Map([...graph.outputs.keys()].map((name) => [name, Array.from(executable.read('p', name))]))
  }

  /** The gradients of one sample's loss, by an ordinary backward pass over a batch of one. */
  async function alone(sample: number): Promise<Map<string, number[]>> {
    const { graph: forward, losses, parameters } = network(1, { outputs })
    const loss = reduceSum(forward, losses, [0], 0)
    const { graph, gradients } = differentiate(forward, loss, parameters)
    for (const [i, { name }] of parameters.entries()) graph.output(name, gradients[i])
    return run('reference', graph, sample, 1)
  }

  for (const engine of ['reference', 'native', 'wasm'] as const) {
    const digits = engine === 'reference' ? 10 : 4
    test(`${engine}: gradients by sample`, async () => {
      const { graph: forward, losses, parameters } = network(SAMPLES, { outputs })
      const { graph, results } = perSampleGradients(forward, losses, parameters)
      for (const [i, { name }] of parameters.entries()) graph.output(name, results[i])
      const together = await run(engine, graph, 0, SAMPLES)
      expect(Math.max(...together.get('fc.weight')!.map(Math.abs))).toBeGreaterThan(0.01)
      for (let sample = 0; sample < SAMPLES; sample++)
        for (const [name, gradient] of await alone(sample))
          for (const [i, g] of gradient.entries())
            expect(together.get(name)![sample * gradient.length + i]).toBeCloseTo(g, digits)
    })

    test(`${engine}: sums of squares`, async () => {
      const { graph: forward, losses, parameters } = network(SAMPLES, { outputs })
      const { graph, results } = perSampleSquares(forward, losses, parameters)
      for (const [i, { name }] of parameters.entries()) graph.output(name, results[i])
      const together = await run(engine, graph, 0, SAMPLES)
      const expected = new Map<string, number[]>()
      expect(Math.max(...together.get('fc.weight')!.map(Math.abs))).toBeGreaterThan(0.01)
      for (let sample = 0; sample < SAMPLES; sample++)
        for (const [name, gradient] of await alone(sample))
          expected.set(
            name,
            gradient.map((g, i) => (expected.get(name)?.[i] ?? 0) + g * g),
          )
      for (const [name, squares] of expected)
        expect(largestDifference(together.get(name)!, squares)).toBeLessThan(10 ** -digits / 2)
    })
  }
})

test('batch normalization with the statistics of the batch is refused', () => {
  const { graph, losses, parameters } = network(SAMPLES, { training: true })
  expect(() => perSampleSquares(graph, losses, parameters)).toThrow(/statistics of the batch/)
})
