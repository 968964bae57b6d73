/**
 * @file Distances from the dense network's results: what they are, by their formulas in float64, their
 * gradients, and how a network measures them.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import type { SampleSet } from '../../src/data/dataset.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import { relu } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { reduceMean } from '../../src/graph/operators/mean.ts'
import { concat, flatten } from '../../src/graph/operators/shape.ts'
import { perSampleGradients } from '../../src/graph/per-sample.ts'
import type { Model } from '../../src/models/model.ts'
import { directionsName, distances, distanceWeights, drawDirections, outputParts } from '../../src/train/distance.ts'
import { Network } from '../../src/train/network.ts'
import type { Forward } from '../../src/train/options.ts'
import { random } from '../../src/util/random.ts'
import { best, wasm } from '../support/engines.ts'
import { expectGradients } from '../support/finite-differences.ts'
import { dataOf, machine, smallNetwork } from './small.ts'

/** Two outputs: 3 numbers, and 2 places with a softmax over 3 classes each. */
const model: Model = {
  name: 'two heads',
  summary: 'for tests',
  image: [1, 1, 7],
  classes: 9,
  outputs: [
    { name: 'box', shape: [3] },
    { name: 'kind', shape: [2, 3], softmax: true },
  ],
  build(graph, samples) {
    const x = relu(graph, linear(graph, flatten(graph, samples), 'fc', 11))
    return concat(graph, [linear(graph, x, 'box', 3), linear(graph, x, 'kind', 6)])
  },
}

const draw = random(3, 'distances')
const normal = (n: number) => Float32Array.from({ length: n }, () => draw.normal())
let data: SampleSet
beforeEach(() => {
  const part = (count: number) => ({ count, images: normal(7 * count) })
  data = { name: 'arrays', image: model.image, floats: true, mean: [0], std: [1], train: part(45), test: part(43) }
})

const softmax = (z: readonly number[]) => {
  const most = Math.max(...z)
  const e = z.map((x) => Math.exp(x - most))
  return e.map((x) => x / e.reduce((a, b) => a + b))
}

/** By the formulas: mean distances of the two outputs. */
function expected(dense: readonly number[][], now: readonly number[][]): [number, number] {
  const all = dense.flatMap((row) => row.slice(0, 3))
  const mean = all.reduce((a, b) => a + b) / all.length
  const variance = all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length
  let [box, kind] = [0, 0]
  dense.forEach((d, n) => {
    for (let i = 0; i < 3; i++) box += (now[n][i] - d[i]) ** 2 / (3 * variance * dense.length)
    for (const at of [3, 6]) {
      const [p, q] = [d, now[n]].map((row) => softmax(row.slice(at, at + 3)))
      p.forEach((share, c) => void (kind += (share * Math.log(share / q[c])) / (2 * dense.length)))
    }
  })
  return [box, kind]
}

/** What the network computes of its test samples, by plain loops. */
function results(network: Network, images: Float32Array | Uint8Array): number[][] {
  const layer = (x: readonly number[], name: string) => {
    const [w, b] = ['weight', 'bias'].map((part) => network.values(`${name}.${part}`))
    return Array.from(b, (bias, o) => x.reduce((sum, value, i) => sum + value * w[o * x.length + i], bias))
  }
  return Array.from({ length: images.length / 7 }, (_, n) => {
    const x = layer([...images.subarray(7 * n, 7 * n + 7)], 'fc').map((value) => Math.max(value, 0))
    return [...layer(x, 'box'), ...layer(x, 'kind')]
  })
}

const spread = (network: Network) => {
  for (const { name } of network.parameters)
    network.values(name).forEach((_, i, view) => void (view[i] = draw.normal()))
}

it.each([best, wasm, openReference()])('$description measures them by their formulas', (machine) => {
  const network = new Network({ machine, model, data, masks: true, judged: 45 })
  spread(network)
  network.remember()
  expect(network.distance()).toEqual({
    loss: 0,
    count: 43,
    outputs: [
      { name: 'box', distance: 0, unit: 'variance' },
      { name: 'kind', distance: 0, unit: 'nats' },
    ],
  })
  const dense = results(network, data.test.images)
  const denseTraining = results(network, data.train.images)
  network.values('fc.weight').fill(0, 0, 20)
  const [box, kind] = expected(dense, results(network, data.test.images))
  const { loss, outputs } = network.distance()
  expect(outputs[0].distance / box).toBeCloseTo(1, 4)
  expect(outputs[1].distance / kind).toBeCloseTo(1, 4)
  expect(loss / (box + kind)).toBeCloseTo(1, 4)
  const training = expected(denseTraining, results(network, data.train.images))
  const all = Uint32Array.from({ length: 45 }, (_, i) => i)
  expect(network.trainingLoss(all) / (training[0] + training[1])).toBeCloseTo(1, 4)
})

it('their gradients are those of finite differences', () => {
  const graph = new Graph()
  const scores = graph.input('scores', [5, 9])
  const index = graph.constant(0, [5], true)
  const { losses } = distances(graph, model, { name: 'test', count: 1 }, index, scores)
  // Targets and weights are states, which begin at 0: the divergence alone has a gradient.
  expectGradients(graph, reduceMean(graph, losses, [0], 0))
})

it('an output is weighted by its variance, one that is constant by its square, one of zeros not at all', () => {
  const of = (values: number[][]) => [
    ...distanceWeights({ ...model, outputs: undefined, softmax: false, classes: 2 }, values.flat(), values.length),
  ]
  expect(
    of([
      [1, 3],
      [5, 7],
    ]),
  ).toEqual([0.1, 0.1])
  expect(of([[3, 3]])).toEqual([1 / 18, 1 / 18])
  expect(of([[0, 0]])).toEqual([0.5, 0.5])
})

it('one score that a sigmoid follows has two classes', () => {
  const one: Model = {
    ...model,
    classes: 1,
    outputs: undefined,
    build: (graph, x) => linear(graph, flatten(graph, x), 'fc', 1),
  }
  const network = new Network({ machine, model: one, data })
  spread(network)
  network.remember()
  const score = (n: number) => {
    const weights = [...network.values('fc.weight')]
    return weights.reduce((sum, w, i) => sum + w * data.test.images[7 * n + i], network.values('fc.bias')[0])
  }
  const scores = () => Array.from({ length: 43 }, (_, n) => score(n))
  const before = scores()
  network.values('fc.weight')[2] = 0
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z))
  const each = scores().map((z, n) => {
    const [p, q] = [sigmoid(before[n]), sigmoid(z)]
    return p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q))
  })
  expect(outputParts(one)).toEqual([{ name: 'scores', start: 0, size: 1, classes: 1 }])
  const mean = each.reduce((a, b) => a + b) / 43
  expect(network.distance().loss / mean).toBeCloseTo(1, 4)
})

describe('which networks are judged by them', () => {
  it('those without labels, and those that tell no classes apart', () => {
    expect(smallNetwork().judgedByDistance).toBe(false)
    const { classes: _, ...bare } = dataOf()
    expect(smallNetwork({ data: bare, batch: undefined }).judgedByDistance).toBe(true)
    const outputs = [{ name: 'y', shape: [4] }]
    const network = smallNetwork({ model: { ...smallNetwork().model, outputs }, batch: undefined })
    expect(network.judgedByDistance).toBe(true)
    expect(() => network.evaluate('test')).toThrow('synthetic has no labels of small')
  })

  it('a result that is no number is refused when it is to be remembered', () => {
    const network = new Network({ machine, model, data })
    spread(network)
    network.values('box.bias')[1] = Number.POSITIVE_INFINITY
    expect(() => network.remember()).toThrow(
      'two heads computes Infinity of test sample 0 of arrays, expected finite numbers',
    )
  })
})

describe('gradients that stand for single samples', () => {
  it('are those of random coefficients, whose second moment is the Hessian of the distance in the results', () => {
    const dense = [0.5, -1, 2, 0, 1, -1, 2, 2, 0.3]
    const weights = [0.25, 0.25, 0.25, 9, 9, 9, 9, 9, 9]
    const rounds = 40_000
    const moment = Array.from({ length: 9 }, () => Array<number>(9).fill(0))
    const stream = random(5, 'directions of a test')
    for (let round = 0; round < rounds; round++) {
      const c = drawDirections(model, dense, weights, stream)
      for (let i = 0; i < 9; i++) for (let j = 0; j < 9; j++) moment[i][j] += (c[i] * c[j]) / rounds
    }
    // 2 w of squares; of the mean of two divergences the half of diag p - p p'.
    const [p, q] = [softmax(dense.slice(3, 6)), softmax(dense.slice(6))]
    const block = (shares: number[], i: number, j: number) => ((i === j ? shares[i] : 0) - shares[i] * shares[j]) / 2
    for (let i = 0; i < 9; i++)
      for (let j = 0; j < 9; j++) {
        const same = Math.floor(i / 3) === Math.floor(j / 3)
        const expected = i < 3 && i === j ? 0.5 : i < 3 || !same ? 0 : block(i < 6 ? p : q, i % 3, j % 3)
        expect(Math.abs(moment[i][j] - expected), `${i}, ${j}`).toBeLessThan(0.012)
      }
  })

  it('of one score are those of a class drawn by its sigmoid', () => {
    const one: Model = { ...model, classes: 1, outputs: undefined }
    const stream = random(6, 'directions of a score')
    const drawn = Array.from({ length: 20_000 }, () => drawDirections(one, [1.2], [1], stream)[0])
    const p = 1 / (1 + Math.exp(-1.2))
    expect(new Set(drawn.map((c) => c.toFixed(12)))).toEqual(new Set([p.toFixed(12), (p - 1).toFixed(12)]))
    expect(drawn.reduce((sum, c) => sum + c ** 2, 0) / 20_000 / (p * (1 - p))).toBeCloseTo(1, 1)
  })

  it('are these coefficients at the dense network, and follow the distance away from it', () => {
    const programs = {
      'per sample': (forward: Forward) => {
        const pass = forward(45)
        const losses = pass.sampled()
        const bias = pass.graph.withRole('parameter').filter(({ name }) => name === 'box.bias')
        const { graph, results } = perSampleGradients(pass.graph, losses, bias)
        graph.output('gradients', results[0])
        return graph
      },
    }
    const network = new Network({ machine, model, data, masks: true, judged: 45, programs, seed: 8 })
    spread(network)
    network.remember()
    const gradients = () => {
      network.executable.write(
        'per sample',
        'index',
        Uint32Array.from({ length: 45 }, (_, i) => i),
      )
      network.executable.run('per sample')
      return [...network.executable.read('per sample', 'gradients')]
    }
    const directions = network.executable.view(directionsName('train'))
    const own = Array.from({ length: 45 }, (_, n) => [...directions.subarray(9 * n, 9 * n + 3)]).flat()
    expect(new Set(own.map(Math.sign))).toEqual(new Set([1, -1]))
    gradients().forEach((g, i) => void expect(g).toBeCloseTo(own[i], 5))
    network.values('box.bias')[1] += 0.75
    const weight = own[0] ** 2 / 2
    gradients().forEach((g, i) => void expect(g).toBeCloseTo(own[i] + (i % 3 === 1 ? 2 * weight * 0.75 : 0), 4))
    const other = new Network({ machine, model, data, masks: true, judged: 45, programs, seed: 9 })
    for (const { name } of other.parameters) other.values(name).set(network.values(name))
    other.remember()
    expect([...other.executable.view(directionsName('train'))]).not.toEqual([...directions])
  })
})
