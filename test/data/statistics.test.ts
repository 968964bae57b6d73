import { expect, it } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { countClasses, measureChannels } from '../../src/data/statistics.ts'

it('mean and deviation per channel', () => {
  const images = Uint8Array.from([0, 255, 51, 51, 255, 255, 51, 51])
  const { mean, std } = measureChannels({ count: 2, images, labels: new Uint8Array(2) }, [2, 1, 2])
  expect(mean).toEqual([0.75, 0.2])
  expect(std[0]).toBeCloseTo(Math.sqrt(3) / 4, 12)
  expect(std[1]).toBe(0)
})

it('samples per class, also of classes without any', () => {
  expect(countClasses({ count: 3, images: new Uint8Array(0), labels: Uint8Array.of(0, 2, 2) }, 4)).toEqual([1, 0, 2, 0])
})

it("MNIST's constants are those of its training images", async () => {
  const { train, image, mean, std } = await loadDataset('mnist')
  const measured = measureChannels(train, image)
  expect(measured.mean[0]).toBeCloseTo(mean[0], 4)
  expect(measured.std[0]).toBeCloseTo(std[0], 4)
})
