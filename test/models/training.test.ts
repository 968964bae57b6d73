import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { findModel } from '../../src/models/index.ts'
import type { ModelOptions } from '../../src/models/model.ts'
import { setHyper } from '../../src/optim/sgd.ts'
import { Network } from '../../src/train/network.ts'
import { best } from '../support/engines.ts'

it.each<[string, ModelOptions, number]>([
  ['mnist-mlp-bn', {}, 0.1],
  ['lenet-5', {}, 0.01],
  ['cifarnet', {}, 0.1],
  ['cnn500k', {}, 0.1],
  ['resnet20', {}, 0.01],
  ['resnet20', { classes: 100 }, 0.01],
  ['wrn-28', { widen: 0.25 }, 0.01],
  ['wrn-16-gsm', { widen: 0.25 }, 0.01],
  ['wrn-16-gsm-dropout', { widen: 0.5 }, 0.01],
  ['cifar-quick-bn', {}, 0.01],
  ['mobilenet-v1-cifar', {}, 0.01],
  ['densenet-40', {}, 0.01],
  ['vit-tiny', { widen: 0.25 }, 0.01],
])('%s %o learns two images', (name, options, learningRate) => {
  const model = findModel(name, options)
  const data = synthetic({ image: model.image, classes: model.classes, train: 2, test: 2 })
  const network = new Network({ machine: best, model, data, batch: 2, init: model.defaultInit })
  setHyper(network.executable, learningRate, {})
  const before = network.evaluate('test')
  expect(before.loss).toBeGreaterThan(0)
  const losses = Array.from({ length: 12 }, () => network.step([0, 1]).loss)
  expect([before.loss, ...losses].every(Number.isFinite)).toBe(true)
  expect(losses[0]).toBeLessThan(3 * Math.log(model.classes))
  expect(losses.at(-1)).toBeLessThan(0.9 * losses[0])
  expect(network.evaluate('test').loss).not.toBe(before.loss)
})
