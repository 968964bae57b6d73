import { expect, it } from 'vitest'
import { findModel } from '../../src/models/index.ts'
import { workOf } from '../../src/report/work.ts'

it('counts the operations of LeNet-5 layer by layer', () => {
  // conv1: 24 x 24 places, conv2: 8 x 8 places, two linear layers of one each; all parameters are 431,080.
  const dense = 2 * (500 * 576 + 25000 * 64 + 400000 + 5000)
  const model = findModel('lenet-5')
  expect(workOf(model, [])).toEqual({ parameters: 431080, denseFlops: dense, flops: dense })
  const layers = [
    { name: 'conv2.weight', size: 25000, kept: 250 },
    { name: 'fc1.weight', size: 400000, kept: 0 },
  ]
  expect(workOf(model, layers)).toEqual({
    parameters: 431080,
    denseFlops: dense,
    flops: 2 * (500 * 576 + 250 * 64 + 5000),
  })
})

it('knows the published sizes of networks with shortcuts', () => {
  const { parameters, denseFlops } = workOf(findModel('resnet18'), [])
  expect(parameters).toBe(11_173_962)
  // 555.4 million products.
  expect(denseFlops / 2e6).toBeCloseTo(555.4, 0)
})
