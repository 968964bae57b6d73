import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import { convLayer } from '../../src/graph/operators/conv.ts'
import { add } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import { findModel } from '../../src/models/index.ts'
import { type InitializerName, initialValues, type Model } from '../../src/models/model.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'

const graph = new Graph()
linear(graph, graph.input('x', [1, 300]), 'fc', 100)
const [weight, bias] = graph.withRole('parameter')
const draw = (tensor: typeof weight, scheme: InitializerName, seed = 0) =>
  initialValues(tensor, scheme, random(seed, 'test'))

/** Uniform in [-bound, bound]: within the bound, near it, and with its variance bound^2 / 3. */
function expectUniform(values: Float64Array, bound: number): void {
  const most = values.reduce((a, x) => Math.max(a, Math.abs(x)), 0)
  expect(most).toBeLessThanOrEqual(bound)
  expect(most).toBeGreaterThan(bound * (1 - 20 / values.length))
  const variance = values.reduce((sum, x) => sum + x * x, 0) / values.length
  expect(Math.abs((3 * variance) / bound ** 2 - 1)).toBeLessThan(5 / Math.sqrt(values.length))
}

it('uniform: weights and biases within 1 / sqrt(300)', () => {
  expect([weight.shape, bias.shape]).toEqual([[100, 300], [100]])
  expectUniform(draw(weight, 'uniform'), 1 / Math.sqrt(300))
  expectUniform(draw(bias, 'uniform'), 1 / Math.sqrt(300))
})

it('xavier-uniform: weights within sqrt(6 / 400), biases 0', () => {
  expectUniform(draw(weight, 'xavier-uniform'), Math.sqrt(6 / 400))
  expect(draw(bias, 'xavier-uniform')).toEqual(new Float64Array(100))
})

/**
 * Normal with mean 0 and that variance, by its first, second and fourth moments, each within five standard
 * errors.
 */
function expectNormal(values: Float64Array, variance: number): void {
  const moment = (power: number) =>
    values.reduce((sum, x) => sum + (x / Math.sqrt(variance)) ** power, 0) / values.length
  const error = 5 / Math.sqrt(values.length)
  expect(Math.abs(moment(1))).toBeLessThan(error)
  expect(Math.abs(moment(2) - 1)).toBeLessThan(error * Math.sqrt(2))
  expect(Math.abs(moment(4) - 3)).toBeLessThan(error * Math.sqrt(96))
}

const convolved = new Graph()
convLayer(convolved, convolved.input('x', [1, 20, 8, 8]), 'conv', 50, 5, { bias: true })
const [kernel, offset] = convolved.withRole('parameter')

it.each<[InitializerName, number, number]>([
  ['xavier-normal', 2 / (300 + 100), 2 / (25 * (20 + 50))],
  ['he-normal', 2 / 300, 2 / (25 * 20)],
])('%s: weights of the right variance, biases 0', (scheme, linearVariance, convVariance) => {
  expectNormal(draw(weight, scheme), linearVariance)
  expectNormal(draw(kernel, scheme), convVariance)
  for (const tensor of [bias, offset]) expect(draw(tensor, scheme).every((x) => x === 0)).toBe(true)
})

it('he-normal-out: convolutions by their fan-out, linear layers uniform within 1 / sqrt(300), biases 0', () => {
  expectNormal(draw(kernel, 'he-normal-out'), 2 / (25 * 50))
  expectUniform(draw(weight, 'he-normal-out'), 1 / Math.sqrt(300))
  for (const tensor of [bias, offset]) expect(draw(tensor, 'he-normal-out').every((x) => x === 0)).toBe(true)
})

const data = synthetic({ train: 2, test: 2 })
const initial = (model: Model, seed: number) => {
  const network = new Network({ machine: openReference(), model, data, seed, batch: 2 })
  return Object.fromEntries(network.parameters.map(({ name }) => [name, network.values(name).slice()]))
}

it('the seed decides', () => {
  const mlpnet = findModel('mlpnet')
  expect(initial(mlpnet, 3)).toEqual(initial(mlpnet, 3))
  expect(initial(mlpnet, 3)['fc1.weight']).not.toEqual(initial(mlpnet, 4)['fc1.weight'])
})

it('layers of one shape begin differently', () => {
  const twins: Model = {
    ...findModel('mlpnet'),
    build: (g, images) => {
      const x = linear(g, flatten(g, images), 'fc1', 10, { bias: false })
      return linear(g, linear(g, x, 'fc2', 10, { bias: false }), 'fc3', 10, { bias: false })
    },
  }
  const values = initial(twins, 0)
  expect(values['fc2.weight']).not.toEqual(values['fc3.weight'])
})

it('a tensor begins the same wherever it stands among the others', () => {
  const sum = (...names: [string, string]): Model => ({
    ...findModel('mlpnet'),
    build: (g, images) => {
      const [a, b] = names.map((name) => linear(g, flatten(g, images), name, 10))
      return add(g, a, b)
    },
  })
  expect(initial(sum('a', 'b'), 0)).toEqual(initial(sum('b', 'a'), 0))
})
