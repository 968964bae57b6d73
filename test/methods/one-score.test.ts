/**
 * @file What methods measure of a network with one score per sample: of logistic regression, whose
 * derivatives are known, on every machine.
 */
import { describe, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import type { SaliencyName } from '../../src/methods/saliency/index.ts'
import { Scoring } from '../../src/methods/saliency/scoring/scoring.ts'
import { GradientSource } from '../../src/methods/second-order/fisher/gradients.ts'
import type { Model } from '../../src/models/model.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'
import { best, wasm } from '../support/engines.ts'

const COUNT = 24
const model: Model = {
  name: 'logistic',
  summary: 'for tests',
  image: [1, 2, 3],
  classes: 1,
  build: (graph, images) => linear(graph, flatten(graph, images), 'fc', 1),
}
const data = synthetic({ image: model.image, classes: 2, train: COUNT, test: COUNT, noise: 0.3 })
const all = Uint32Array.from({ length: COUNT }, (_, i) => i)

const draw = random(3, 'logistic regression')
const w = Array.from({ length: 6 }, () => Math.fround(draw.normal()))
const bias = Math.fround(0.2)

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0)

/** Of each sample of a part: the input, the score, sigmoid(score) and the label. */
function samplesOf({ images, labels }: { images: Uint8Array; labels: ArrayLike<number> }) {
  return Array.from(labels, (label, n) => {
    const x = Array.from(images.subarray(6 * n, 6 * n + 6), (pixel) => (pixel / 255 - data.mean[0]) / data.std[0])
    const z = dot(w, x) + bias
    return { x, z, p: 1 / (1 + Math.exp(-z)), label }
  })
}
const train = samplesOf(data.train)
const mean = (of: (sample: (typeof train)[0]) => readonly number[]) =>
  w.map((_, q) => train.reduce((sum, sample) => sum + of(sample)[q], 0) / COUNT)
const slopes = train.map(({ x, p, label }) => x.map((xq) => (p - label) * xq))
const gradient = mean((sample) => slopes[train.indexOf(sample)])
const squares = mean((sample) => slopes[train.indexOf(sample)].map((g) => g * g))
/** H g at temperature 1. */
const product = mean(({ x, p }) => x.map((xq) => p * (1 - p) * dot(x, gradient) * xq))

function networkOn(machine: Machine, programs = {}): Network {
  const network = new Network({ machine, model, data, batch: 8, programs })
  network.values('fc.weight').set(w)
  network.values('fc.bias').set([bias])
  return network
}

function expectClose(got: ArrayLike<number>, want: readonly number[], tolerance: number): void {
  const largest = Math.max(...want.map(Math.abs))
  expect(largest).toBeGreaterThan(1e-3)
  expect(Math.max(...want.map((x, i) => Math.abs(got[i] - x))) / largest).toBeLessThan(tolerance)
}

describe.each<[string, Machine, number]>([
  ['reference', openReference(), 1e-6],
  [best.engine, best, 2e-5],
  ['wasm', wasm, 2e-5],
])('%s', (_name, machine, tolerance) => {
  it.each<[SaliencyName, object, readonly number[]]>([
    ['snip', {}, w.map((x, q) => Math.abs(x * gradient[q]))],
    ['fisher-diagonal', {}, squares],
    ['fts', {}, w.map((x, q) => Math.abs(x * gradient[q] + (squares[q] * x * x) / 2))],
    ['grasp', { temperature: 1 }, w.map((x, q) => x * product[q])],
  ])('%s', (method, options, want) => {
    const scoring = new Scoring({ method, samples: COUNT, ...options })
    const network = networkOn(machine, scoring.programs)
    const layers = network.layers().map((layer) => ({ ...layer, weights: network.values(layer.name) }))
    scoring.score(network, layers, { seed: 0, event: 0, round: 0 })
    expectClose(layers[0].scores, want, tolerance)
  })

  // A workspace of gradients is float32.
  it.skipIf(machine.engine === 'reference')('gradients of single samples', () => {
    const source = new GradientSource({ tensors: ['fc.weight'], samples: COUNT })
    const { tensors } = source.collect(networkOn(machine, source.programs), all)
    const column = new Float32Array(COUNT)
    for (let q = 0; q < w.length; q++) {
      tensors[0].column(q, column)
      expectClose(
        column,
        slopes.map((g) => g[q]),
        tolerance,
      )
    }
  })

  it('loss and accuracy', () => {
    const test = samplesOf(data.test)
    const losses = test.map(({ z, label }) => Math.log1p(Math.exp(z)) - label * z)
    const correct = test.filter(({ z, label }) => Number(z > 0) === label).length
    expect([correct > 0, correct < COUNT]).toEqual([true, true])
    const found = networkOn(machine).evaluate('test')
    expect(found).toMatchObject({ correct, accuracy: correct / COUNT, count: COUNT })
    expect(found.loss).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / COUNT, 5)
    expect(found.constant).toBeUndefined()
  })
})

describe('data that it is not for', () => {
  it.each([1, 3, 10])('%d classes', (classes) => {
    const others = synthetic({ image: model.image, classes, train: COUNT, test: COUNT })
    expect(() => new Network({ machine: best, model, data: others })).toThrow(
      `logistic tells two classes apart by one score, synthetic has ${classes}`,
    )
  })
})
