import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'

it('is the same every time, and another with another seed', () => {
  const options = { train: 20, test: 10 }
  expect(synthetic(options)).toEqual(synthetic(options))
  expect(synthetic({ ...options, seed: 1 }).train.images).not.toEqual(synthetic(options).train.images)
})

it('has the shape that was asked for', () => {
  const { image, classes, mean, std, train, test } = synthetic({ train: 7, test: 5, classes: 3, image: [2, 4, 5] })
  expect([image, classes, mean.length, std.length]).toEqual([[2, 4, 5], 3, 2, 2])
  expect([train.images.length, [...train.labels]]).toEqual([7 * 40, [0, 1, 2, 0, 1, 2, 0]])
  expect([test.images.length, [...test.labels]]).toEqual([5 * 40, [0, 1, 2, 0, 1]])
})

it('without noise, images of a class are equal in both parts; with noise 1, nothing is left of it', () => {
  const bare = synthetic({ train: 4, test: 2, classes: 2, noise: 0 })
  expect(bare.train.images.subarray(0, 784)).toEqual(bare.train.images.subarray(2 * 784, 3 * 784))
  expect(bare.train.images.subarray(0, 784)).toEqual(bare.test.images.subarray(0, 784))
  const noise = synthetic({ train: 4, test: 2, classes: 2, noise: 1 })
  const equal = noise.train.images.subarray(0, 784).filter((x, i) => x === noise.train.images[2 * 784 + i]).length
  expect(equal).toBeLessThan(20)
})
