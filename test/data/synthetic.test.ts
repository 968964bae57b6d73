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

it('any number of classes: beyond 256, labels take two bytes', () => {
  const { train, test, classes } = synthetic({ train: 600, test: 300, classes: 300, image: [3, 2, 1] })
  expect([classes, train.labels.BYTES_PER_ELEMENT, train.labels[299], train.labels[300]]).toEqual([300, 2, 299, 0])
  expect(test.images).toHaveLength(300 * 6)
})

it.each<readonly [number, number, number]>([
  [1, 28, 28],
  [3, 32, 32],
  [3, 64, 48],
])('%i x %i x %i: classes can be told apart after pooling to 4 x 4, as convolutional networks do', (...image) => {
  const { train, test, classes } = synthetic({ image, train: 200, test: 100, noise: 0.5 })
  const pool = (images: Uint8Array, count: number) => Array.from({ length: count }, (_, n) => pooled(images, n, image))
  const means = Array.from({ length: classes }, (_, c) => {
    const own = pool(train.images, train.count).filter((_, n) => train.labels[n] === c)
    return own[0].map((_, i) => own.reduce((sum, x) => sum + x[i], 0) / own.length)
  })
  const distance = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0)
  const correct = pool(test.images, test.count).filter((x, n) => {
    const nearest = means.map((mean) => distance(x, mean))
    return nearest.indexOf(Math.min(...nearest)) === test.labels[n]
  })
  expect(correct.length).toBeGreaterThanOrEqual(98)
})

it('pixels have about the mean and deviation that inputs are normalized with', () => {
  const { train, mean, std } = synthetic({ image: [3, 32, 32], classes: 100, train: 500, test: 1 })
  const values = Float64Array.from(train.images, (x) => x / 255)
  const average = values.reduce((a, b) => a + b, 0) / values.length
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - average) ** 2, 0) / values.length)
  expect(Math.abs(average - mean[0])).toBeLessThan(0.02)
  expect(Math.abs(deviation - std[0])).toBeLessThan(0.02)
})

/** Means over 4 x 4 equal cells of every channel of image n. */
function pooled(images: Uint8Array, n: number, [channels, height, width]: readonly [number, number, number]): number[] {
  const sums = new Array<number>(channels * 16).fill(0)
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        sums[c * 16 + Math.floor((4 * y) / height) * 4 + Math.floor((4 * x) / width)] +=
          images[((n * channels + c) * height + y) * width + x]
  return sums.map((sum) => (16 * sum) / (height * width))
}
