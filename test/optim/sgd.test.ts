import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import type { Model } from '../../src/models/model.ts'
import type { SgdOptions } from '../../src/optim/sgd.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'

const [SAMPLES, PIXELS, CLASSES, STEPS] = [7, 4, 3, 6]
const regression: Model = {
  name: 'softmax regression',
  summary: '',
  image: [1, 2, 2],
  classes: CLASSES,
  build: (graph, images) => linear(graph, flatten(graph, images), 'fc', CLASSES),
}
const data = synthetic({ image: [1, 2, 2], classes: CLASSES, train: SAMPLES, test: 1 })
const inputs = Array.from(data.train.images, (pixel) => (pixel / 255 - data.mean[0]) / data.std[0])
/** Halved after three of the six steps. */
const rateOf = (step: number) => (step < 3 ? 0.4 : 0.2)

/**
 * Gradient of the mean cross-entropy of softmax regression; the parameters are [CLASSES][PIXELS] weights,
 * then biases.
 */
function gradient(parameters: readonly number[]): number[] {
  const result = parameters.map(() => 0)
  const biases = CLASSES * PIXELS
  for (let n = 0; n < SAMPLES; n++) {
    const x = inputs.slice(n * PIXELS, (n + 1) * PIXELS)
    const exps = Array.from({ length: CLASSES }, (_, c) =>
      Math.exp(parameters[biases + c] + x.reduce((sum, value, i) => sum + value * parameters[c * PIXELS + i], 0)),
    )
    const sum = exps.reduce((a, b) => a + b)
    exps.forEach((exp, c) => {
      const residual = (exp / sum - (c === data.train.labels[n] ? 1 : 0)) / SAMPLES
      for (let i = 0; i < PIXELS; i++) result[c * PIXELS + i] += residual * x[i]
      result[biases + c] += residual
    })
  }
  return result
}

/** torch.optim.SGD as its documentation states it, dampening 0. */
function torchSgd(start: readonly number[], { momentum = 0, weightDecay = 0, nesterov = false }: SgdOptions): number[] {
  const parameters = [...start]
  let buffer: number[] | undefined
  for (let step = 0; step < STEPS; step++) {
    const g = gradient(parameters).map((value, i) => value + weightDecay * parameters[i])
    if (momentum !== 0) buffer = buffer ? buffer.map((b, i) => momentum * b + g[i]) : [...g]
    const direction = !buffer ? g : nesterov ? g.map((value, i) => value + momentum * buffer![i]) : buffer
    direction.forEach((value, i) => {
      parameters[i] -= rateOf(step) * value
    })
  }
  return parameters
}

const flat = (network: Network) => ['fc.weight', 'fc.bias'].flatMap((name) => [...network.values(name)])

it.each<SgdOptions>([
  {},
  { weightDecay: 0.1 },
  { momentum: 0.9 },
  { momentum: 0.9, weightDecay: 0.1 },
  { momentum: 0.9, nesterov: true },
  { momentum: 0.5, nesterov: true, weightDecay: 0.1 },
])('%o: six steps as PyTorch takes them, biases decayed too, the rate outside the momentum', async (optimizer) => {
  const network = new Network({ machine: openReference(), model: regression, data, batch: SAMPLES })
  const start = flat(network)
  await train(network, { epochs: STEPS, optimizer, schedule: { kind: 'steps', base: 0.4, drops: [3], factor: 0.5 } })
  const expected = torchSgd(start, optimizer)
  const error = Math.max(...flat(network).map((value, i) => Math.abs(value - expected[i])))
  expect(error).toBeLessThan(1e-13)
  expect(Math.max(...expected.map((value, i) => Math.abs(value - start[i])))).toBeGreaterThan(0.1)
})
