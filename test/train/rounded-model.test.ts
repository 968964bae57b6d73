/** @file Quantization-aware training: what is rounded, its gradients, and masks. */
import { describe, expect, it } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { differentiate } from '../../src/graph/differentiate.ts'
import { Graph } from '../../src/graph/graph.ts'
import { conv } from '../../src/graph/operators/conv.ts'
import { mul, relu } from '../../src/graph/operators/elementwise.ts'
import { gemm } from '../../src/graph/operators/linear.ts'
import { reduceSum, reshape } from '../../src/graph/operators/shape.ts'
import { findModel } from '../../src/models/index.ts'
import type { Model } from '../../src/models/model.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { Network } from '../../src/train/network.ts'
import { roundedModel } from '../../src/train/rounded-model.ts'
import { train } from '../../src/train/train.ts'
import { nearest } from '../../src/util/functions.ts'
import { random } from '../../src/util/random.ts'
import { best } from '../support/engines.ts'
import { dataOf } from './small.ts'

const N = 3
const reference = openReference()
const model: Model = {
  name: 'small',
  summary: 'a convolution and a product',
  image: [2, 5, 4],
  classes: 3,
  build: (graph, images) => {
    const weight = graph.parameter('conv', [4, 2, 3, 3], { in: 18, out: 36 })
    const maps = relu(graph, conv(graph, images, weight, undefined, { pads: [1, 1, 1, 1] }))
    const rows = reshape(graph, maps, [images.shape[0], 80], true)
    return gemm(graph, rows, graph.parameter('fc', [3, 80], { in: 80, out: 3 }), { transB: 1 })
  },
}

const draws = random(5, 'rounded')
const normal = (count: number) => Float64Array.from({ length: count }, () => draws.normal())
const [images, convWeights, fcWeights, direction] = [normal(N * 40), normal(72), normal(240), normal(N * 3)]

const weightRows = (values: Float64Array, rows: number) => {
  const size = values.length / rows
  return values.map((w, i) => {
    const row = values.subarray(Math.floor(i / size) * size, (Math.floor(i / size) + 1) * size)
    const step = Math.max(...row.map(Math.abs)) / 127
    return step * nearest(w / step)
  })
}
const roundedAll = (values: Float64Array) => {
  const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)]
  const step = (most - least) / 255
  const zero = nearest(-least / step)
  return values.map((x) => step * (Math.min(Math.max(nearest(x / step) + zero, 0), 255) - zero))
}

/** The scores, and gradients of their product with a direction. */
function run(of: Model, machine: typeof best, given: Record<string, Float64Array>, x: Float64Array) {
  const graph = new Graph()
  const scores = of.build(graph, graph.input('images', [N, ...of.image]), true)
  const loss = reduceSum(graph, mul(graph, scores, graph.constant(direction, [N, 3], true)), [0, 1], 0)
  const parameters = graph.withRole('parameter')
  const { graph: whole, gradients } = differentiate(graph, loss, parameters)
  whole.output('scores', scores)
  parameters.forEach(({ name }, i) => {
    whole.output(`d${name}`, gradients[i])
  })
  const executable = compile(machine, { whole })
  for (const { name } of parameters) executable.view(name).set(given[name])
  executable.write('whole', 'images', x)
  executable.run('whole')
  return Object.fromEntries(
    ['scores', 'dconv', 'dfc'].map((name) => [name, Array.from(executable.read('whole', name))]),
  )
}

const given = { conv: convWeights, fc: fcWeights }

describe.each([
  ['reference', reference],
  ['the fastest', best],
] as const)('%s', (_, machine) => {
  const found = run(roundedModel(model), machine, given, images)

  it('computes with rounded weights and inputs', () => {
    // By hand: the plain model on rounded numbers, layer by layer.
    const first = run(model, reference, { conv: weightRows(convWeights, 4), fc: fcWeights }, roundedAll(images))
    expect(found.scores).not.toEqual(first.scores)
    const graph = new Graph()
    const x = graph.input('images', [N, 2, 5, 4])
    const maps = relu(graph, conv(graph, x, graph.parameter('conv', [4, 2, 3, 3]), undefined, { pads: [1, 1, 1, 1] }))
    graph.output('maps', maps)
    const executable = compile(reference, { graph })
    executable.view('conv').set(weightRows(convWeights, 4))
    executable.write('graph', 'images', roundedAll(images))
    executable.run('graph')
    const inner = roundedAll(Float64Array.from(executable.read('graph', 'maps')))
    const fc = weightRows(fcWeights, 3)
    for (let n = 0; n < N; n++)
      for (let k = 0; k < 3; k++) {
        let sum = 0
        for (let i = 0; i < 80; i++) sum += inner[80 * n + i] * fc[80 * k + i]
        expect(found.scores[3 * n + k]).toBeCloseTo(sum, 2)
      }
  })

  it('the last layer has the gradients of rounded inputs', () => {
    // d/dfc = direction' x', whatever the weights are.
    const values = found.dfc
    const shifted = run(roundedModel(model), machine, { ...given, fc: fcWeights.map((w) => 3 * w) }, images)
    values.forEach((value, i) => void expect(shifted.dfc[i]).toBeCloseTo(value, 4))
    const steps = new Set(values.map((value) => value.toFixed(3)))
    expect(steps.size).toBeGreaterThan(10)
  })

  it('gradients are nearly those without rounding, and none is lost', () => {
    const plain = run(model, machine, given, images)
    for (const name of ['dconv', 'dfc']) {
      const size = Math.hypot(...plain[name])
      const apart = Math.hypot(...plain[name].map((value, i) => value - found[name][i]))
      expect(apart / size).toBeLessThan(0.1)
      expect(apart).toBeGreaterThan(0)
    }
  })
})

it('values that are all zero, and weights that are, stay zero', () => {
  const found = run(roundedModel(model), best, { conv: new Float64Array(72), fc: fcWeights }, new Float64Array(N * 40))
  for (const values of Object.values(found)) for (const value of values) expect(value).toBeCloseTo(0, 12)
})

it('is counted as the network without rounding', () => {
  const names = (of: Model) => prunableTensors(of).map(({ name }) => name)
  expect(names(roundedModel(model))).toEqual(names(model))
  expect(names(model)).toEqual(['conv', 'fc'])
})

it('trains, keeps masks, and learns what the rounded network does', async () => {
  const data = dataOf()
  const plain = findModel('mlpnet')
  const names = ['fc1.weight', 'fc2.weight', 'fc3.weight']
  const fits = String(plain.image) === String(data.image)
  const bare = fits ? plain : { ...model, image: data.image, classes: data.classes!, build: flat(data.classes!) }
  const prunable = fits ? names : ['a', 'b']
  const network = new Network({ machine: best, model: roundedModel(bare), data, batch: 20, prunable })
  const [first] = prunable
  network.mask(first).forEach((_, i, mask) => {
    mask[i] = i % 3 === 0 ? 0 : 1
  })
  network.applyMasks()
  const before = network.evaluate('test')
  await train(network, { epochs: 3, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.02 } })
  const after = network.evaluate('test')
  expect(after.loss).toBeLessThan(before.loss)
  network.values(first).forEach((w, i) => void (i % 3 === 0 && expect(w).toBe(0)))
})

/** Two products. */
const flat =
  (classes: number): Model['build'] =>
  (graph, images) => {
    const size = images.shape.slice(1).reduce((a, b) => a * b, 1)
    const rows = reshape(graph, images, [images.shape[0], size], true)
    const hidden = relu(
      graph,
      gemm(graph, rows, graph.parameter('a', [16, size], { in: size, out: 16 }), { transB: 1 }),
    )
    return gemm(graph, hidden, graph.parameter('b', [classes, 16], { in: 16, out: classes }), { transB: 1 })
  }
