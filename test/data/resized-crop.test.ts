/** @file Random resized crops, beside torchvision's definitions. */
import { expect, it } from 'vitest'
import { drawCrop, middle } from '../../src/data/resized-crop.ts'

const crops = (height: number, width: number, count = 2000) =>
  Array.from({ length: count }, (_, sample) => drawCrop(1, 0, sample, height, width))

it('parts of 8 to 100 % of the area, evenly, with sides in the ratio 3/4 to 4/3, anywhere', () => {
  const drawn = crops(400, 400)
  const areas = drawn.map(({ height, width }) => (height * width) / 160_000)
  const ratios = drawn.map(({ height, width }) => Math.log(width / height))
  // Sides are rounded to whole pixels.
  for (const area of areas) expect(area).toBeGreaterThan(0.078)
  for (const ratio of ratios) expect(Math.abs(ratio)).toBeLessThan(Math.log(4 / 3) + 0.02)
  // Boxes that do not fit are drawn again, so large ones are fewer: of those below half the area all fit.
  const [small, medium] = [0.08, 0.29].map((from) => areas.filter((area) => area >= from && area < from + 0.21).length)
  expect(Math.abs(small - medium)).toBeLessThan(4 * Math.sqrt(small + medium))
  expect(Math.abs(ratios.reduce((a, b) => a + b, 0) / ratios.length)).toBeLessThan(0.02)
  for (const { top, left, height, width } of drawn) {
    expect(Math.min(top, left)).toBeGreaterThanOrEqual(0)
    expect(Math.max(top + height, left + width)).toBeLessThanOrEqual(400)
  }
  expect(drawn.some(({ top, height }) => top + height === 400)).toBe(true)
  expect(drawn.some(({ left }) => left === 0)).toBe(true)
  const flips = drawn.filter(({ flip }) => flip).length
  expect(Math.abs(flips - 1000)).toBeLessThan(4 * Math.sqrt(500))
})

it('a crop depends on seed, epoch and sample', () => {
  const one = drawCrop(1, 2, 3, 300, 200)
  expect(drawCrop(1, 2, 3, 300, 200)).toEqual(one)
  for (const other of [drawCrop(0, 2, 3, 300, 200), drawCrop(1, 3, 3, 300, 200), drawCrop(1, 2, 4, 300, 200)])
    expect(other).not.toEqual(one)
})

it('where no box fits, the largest in the middle whose ratio is allowed', () => {
  // 8 % of 10 x 10,000 pixels are at least 77 rows high.
  expect(drawCrop(1, 0, 0, 10, 10_000)).toMatchObject({ top: 0, left: 4993, height: 10, width: 13 })
  expect(drawCrop(1, 0, 0, 10_000, 10)).toMatchObject({ top: 4993, left: 0, height: 13, width: 10 })
  expect(middle(30, 36)).toEqual({ top: 0, left: 0, height: 30, width: 36 })
})
