import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { findModel } from '../../src/models/index.ts'
import { Network } from '../../src/train/network.ts'
import { planTraining } from '../../src/train/training-plan.ts'

const sum = (parts: object): number => Object.values(parts).reduce((total, n) => total + n, 0)

/** Floats of a network's activations, from its layers: per sample, and the statistics of the batch. */
const floats = {
  // Images, 14 maps of 16 x 32 x 32 (stem 2, three blocks of 4), 13 of 32 x 16 x 16 (5 + 4 + 4), 13 of 64 x 8
  // x 8, pooled, logits, label.
  resnet20: { sample: 3_072 + 14 * 16_384 + 13 * 8_192 + 13 * 4_096 + 64 + 10 + 1, statistics: 2 * 7 * (16 + 32 + 64) },
  // Images, 10 maps of 64 x 32 x 32 (2 + 4 + 4), 9 of 128 x 16 x 16 (5 + 4), 9 of 256 x 8 x 8, 9 of 512 x 4 x
  // 4, pooled, logits, label.
  resnet18: {
    sample: 3_072 + 10 * 65_536 + 9 * 32_768 + 9 * 16_384 + 9 * 8_192 + 512 + 10 + 1,
    statistics: 2 * (5 * 64 + 5 * (128 + 256 + 512)),
  },
}

it.each(['resnet20', 'resnet18'] as const)(
  '%s, batch 128: at most 1.5 times what the backward pass must keep',
  (name) => {
    const { peak, kept, addressable } = planTraining(findModel(name), 128)
    expect(kept).toBe(4 * (128 * floats[name].sample + floats[name].statistics))
    // Everything that is kept lies in the arena when the backward pass begins.
    expect(peak).toBeGreaterThanOrEqual(kept)
    expect(peak / kept).toBeLessThanOrEqual(1.5)
    expect(addressable).toBe(true)
  },
)

it('is the program that a network runs, over an arena of that size', () => {
  const model = findModel('lenet-5')
  const { image, classes } = model
  const data = synthetic({ image, classes, train: 8, test: 1 })
  const network = new Network({ machine: openReference(), model, data, batch: 8 })
  const plan = planTraining(model, 8)
  const calls = network.executable.profile('train/8', 1).map(({ kernel }) => kernel)
  expect(sum(plan.kernels)).toBe(calls.length)
  expect(plan.kernels.sgd).toBe(calls.filter((name) => name === 'sgd').length)
  // The network's other program evaluates one sample.
  expect(network.executable.memory.temporary).toBe(plan.peak / 4)
  expect(4 * network.executable.memory.persistent - sum(plan.persistent)).toBeLessThan(2048)
})

it('persistent memory by kind: cnn500k', () => {
  const [weights, parameters] = [471_338 - 778 - 160 - 32, 471_338]
  const { persistent } = planTraining(findModel('cnn500k'), 16)
  const near = (bytes: number, n: number) => {
    expect(bytes).toBeGreaterThanOrEqual(4 * n)
    expect(bytes).toBeLessThan(4 * n + 64 * 16) // whole cache lines per tensor
  }
  near(persistent.parameters, parameters)
  near(persistent.optimizer, parameters + 4)
  near(persistent.pruning, 2 * weights)
  expect(persistent.buffers).toBe(0)
  expect(persistent.data).toBe(16 * 3072 + 4 * 16)
  expect(persistent.other).toBeGreaterThan(0)
})

it('big plans take no memory: ResNet-50 on ImageNet', () => {
  const model = findModel('resnet50')
  expect(planTraining(model, 64).addressable).toBe(true)
  const { peak, addressable } = planTraining(model, 256)
  expect(peak).toBeGreaterThan(20e9)
  expect(addressable).toBe(false)
})
