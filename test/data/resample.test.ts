/** @file Resizing as Pillow does it. */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { type Box, type Pixels, resampled } from '../../src/data/resample.ts'

/** A picture without smooth parts, 37 x 53. */
const picture: Pixels = {
  height: 37,
  width: 53,
  channels: 3,
  data: Uint8Array.from({ length: 37 * 53 * 3 }, (_, i) => {
    const [y, x, c] = [Math.floor(i / 159), Math.floor(i / 3) % 53, i % 3]
    return (x * x * 7 + y * 13 + x * y * 3 + c * 50 + (x ^ y) * 11) % 256
  }),
}
const box = (top: number, left: number, height: number, width: number): Box => ({ top, left, height, width })

it.each([
  [box(0, 0, 37, 53), 16, 16, '8588819c5012ce34', [57, 151, 118, 135, 151, 165, 132, 109]],
  [box(3, 5, 20, 31), 24, 24, '21479ad1abc0a098', [90, 185, 189, 71, 118, 44, 167, 133]],
  [box(0, 0, 37, 53), 37, 53, '88fcbb28b505a06a', [0, 18, 50, 96, 156, 230, 62, 164]],
  [box(1, 2, 30, 7), 9, 40, '722c0fe5d03b56cf', [99, 99, 99, 104, 111, 119, 126, 133]],
  [box(10, 10, 5, 5), 8, 3, '57346f4ff2d2cab9', [77, 78, 204, 97, 75, 180, 121, 73]],
])('the bytes of Pillow 12: crop %o, then resize to %i x %i', (part, height, width, hash, firsts) => {
  const planes = resampled(picture, part, height, width)
  expect([...planes.subarray(0, 8)]).toEqual(firsts)
  expect(createHash('sha256').update(planes).digest('hex').slice(0, 16)).toBe(hash)
})

it.each([
  [24, 40],
  [74, 20],
])('within two steps of rounding of the sum over the whole box in one pass, %i x %i', (height, width) => {
  const part = box(2, 4, 33, 47)
  const planes = resampled(picture, part, height, width)
  const triangle = (from: number, to: number, i: number) => {
    const wide = Math.max(from / to, 1)
    const all = Array.from({ length: from }, (_, k) =>
      Math.max(1 - Math.abs(k + 0.5 - ((i + 0.5) * from) / to) / wide, 0),
    )
    const sum = all.reduce((a, b) => a + b, 0)
    return all.map((weight) => weight / sum)
  }
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [rows, columns] = [triangle(part.height, height, y), triangle(part.width, width, x)]
        let exact = 0
        for (let i = 0; i < part.height; i++)
          for (let j = 0; j < part.width; j++)
            exact += rows[i] * columns[j] * picture.data[((part.top + i) * 53 + part.left + j) * 3 + c]
        expect(Math.abs(planes[(c * height + y) * width + x] - exact)).toBeLessThan(1.01)
      }
})

it('twice as wide, by hand; a gray picture has three equal planes', () => {
  const gray = { height: 1, width: 2, channels: 1, data: Uint8Array.of(0, 100) }
  expect([...resampled(gray, box(0, 0, 1, 2), 1, 4)]).toEqual([0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100])
})
