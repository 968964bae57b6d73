/** @file Statistics of batch normalizations from a pass over some images. */
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { findModel } from '../../src/models/index.ts'
import { Network } from '../../src/train/network.ts'
import { BatchNormRefresh } from '../../src/train/refresh-batch-norm.ts'
import { machine } from './small.ts'

const model = findModel('mnist-mlp-bn')
const data = synthetic({ train: 300, test: 50 })

/** Mean and unbiased variance of what the first normalization is given, in plain loops. */
function firstLayer(network: Network, images: Uint32Array): { mean: number; variance: number }[] {
  const weights = network.values('fc1.weight')
  const pixels = 784
  return Array.from({ length: 300 }, (_, unit) => {
    const values = Array.from(images, (image) => {
      let sum = 0
      for (let p = 0; p < pixels; p++) {
        const x = (data.train.images[image * pixels + p] / 255 - data.mean[0]) / data.std[0]
        sum += weights[unit * pixels + p] * x
      }
      return sum
    })
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1) }
  })
}

it('the first layer: exactly the statistics of its inputs over all images, whatever stood there', () => {
  const images = Uint32Array.from({ length: 201 }, (_, i) => 299 - i) // Batches of 100 and 101.
  const refresh = new BatchNormRefresh(images.length)
  const network = new Network({ machine, model, data, programs: refresh.programs })
  network.values('bn1.running_mean').fill(7)
  network.values('bn1.running_var').fill(9)
  const before = network.parameters.map(({ name }) => [...network.values(name)])
  const seen: number[] = []
  refresh.run(network, images, (done) => seen.push(done))
  expect(refresh.layers).toBe(3)
  expect(seen).toEqual([100, 201])
  const [mean, variance] = ['bn1.running_mean', 'bn1.running_var'].map((name) => network.values(name))
  firstLayer(network, images).forEach((exact, unit) => {
    expect(mean[unit]).toBeCloseTo(exact.mean, 4)
    expect(Math.abs(variance[unit] / exact.variance - 1)).toBeLessThan(1e-4)
  })
  expect(network.parameters.map(({ name }) => [...network.values(name)])).toEqual(before)
})

it('repairs a network whose first layer was scaled after its statistics were taken', () => {
  const images = Uint32Array.from({ length: 300 }, (_, i) => i)
  const refresh = new BatchNormRefresh(images.length)
  const network = new Network({ machine, model, data, programs: refresh.programs })
  refresh.run(network, images)
  const { loss } = network.evaluate('test')
  network.values('fc1.weight').set(network.values('fc1.weight').map((w) => 5 * w))
  expect(Math.abs(network.evaluate('test').loss - loss)).toBeGreaterThan(0.01)
  refresh.run(network, images)
  expect(network.evaluate('test').loss).toBeCloseTo(loss, 3)
})

it('convolutions: a network of many layers gets finite, positive variances; one without batch normalization has no layers', () => {
  const cifar = synthetic({ image: [3, 32, 32], train: 8, test: 4 })
  const refresh = new BatchNormRefresh(8)
  const network = new Network({ machine, model: findModel('resnet20'), data: cifar, programs: refresh.programs })
  refresh.run(network, Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7))
  expect(refresh.layers).toBe(21)
  for (const { name } of network.stored.filter(({ name }) => name.endsWith('running_var'))) {
    const values = [...network.values(name)]
    expect([name, values.every((v) => v > 0 && v !== 1 && Number.isFinite(v))]).toEqual([name, true])
  }
  const none = new BatchNormRefresh(8)
  new Network({ machine, model: findModel('mlpnet'), data, programs: none.programs })
  expect(none.layers).toBe(0)
})
