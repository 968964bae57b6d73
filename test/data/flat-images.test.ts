import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { isFlatImages, loadFlatImages } from '../../src/data/flat-images.ts'
import { loadSamples } from '../../src/data/load-samples.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { writeImage, writeImageFolder } from './image-files.ts'

let folder: string
beforeEach(async () => {
  folder = temporaryFolder()
  for (let i = 0; i < 6; i++) await writeImage(join(folder, `${i}.png`), { value: (c) => 10 * i + c })
})
const shades = (images: Uint8Array | Float32Array) => [...images].filter((_, i) => i % 12 === 0)

it('images that are in no folder of a class have no labels; every fifth is one of the test', async () => {
  const data = await loadFlatImages(folder, 'shots')
  expect(data).toMatchObject({ name: 'shots', image: [3, 3, 4] })
  expect([data.classes, data.train.labels, data.test.labels]).toEqual([undefined, undefined, undefined])
  expect(shades(data.train.images).filter((_, i) => i % 3 === 0)).toEqual([0, 10, 20, 30, 50])
  expect(shades(data.test.images)).toEqual([40, 41, 42])
})

it('train/ and test/ are the parts; folders of classes are another format', async () => {
  for (const part of ['train', 'test']) await writeImage(join(folder, part, 'a.png'), { value: () => 7 })
  const parts = temporaryFolder()
  await writeImage(join(parts, 'train', 'a.png'), { value: () => 7 })
  await writeImage(join(parts, 'test', 'b.png'), { value: () => 8 })
  const { train, test } = await loadFlatImages(parts, 'shots')
  expect([train.count, train.images[0], test.count, test.images[0]]).toEqual([1, 7, 1, 8])
  expect(isFlatImages(parts)).toBe(true)
  expect(isFlatImages(await writeImageFolder(temporaryFolder()))).toBe(false)
  mkdirSync(join(parts, 'empty'))
  expect(isFlatImages(join(parts, 'empty'))).toBe(false)
})

it('labels.csv says the labels: names of classes, or their places', async () => {
  const table = (lines: string[]) => writeFileSync(join(folder, 'labels.csv'), lines.join('\n'))
  const names = ['dog', 'cat', 'cat', 'dog', 'ant', 'ant']
  table(['file,label', ...names.map((name, i) => `${i}.png,"${name}"`), ''])
  const named = await loadFlatImages(folder, 'pets')
  expect(named).toMatchObject({ classes: 3, classNames: ['ant', 'cat', 'dog'] })
  expect([[...named.train.labels!], [...named.test.labels!]]).toEqual([[2, 1, 1, 2, 0], [0]])
  table([0, 7, 2, 3, 4, 5].map((label, i) => `${i}.png,${label}`))
  const numbered = await loadFlatImages(folder, 'pets', { classes: 9 })
  expect([numbered.classes, numbered.classNames, [...numbered.train.labels!]]).toEqual([9, undefined, [0, 7, 2, 3, 5]])
  await expect(loadFlatImages(folder, 'pets', { classes: 7 })).rejects.toThrow('has the label 7, expected at most 6')
  table(['0.png,cat'])
  await expect(loadFlatImages(folder, 'pets')).rejects.toThrow('labels.csv has no line for 1.png')
  table(['0.png;cat'])
  await expect(loadFlatImages(folder, 'pets')).rejects.toThrow(
    'labels.csv, line 1: expected a file and its label, found 0.png;cat',
  )
})

it('an image that cannot be decoded takes its label with it', async () => {
  writeFileSync(join(folder, '1.png'), 'no image')
  writeFileSync(join(folder, 'labels.csv'), [5, 1, 2, 3, 4, 0].map((label, i) => `${i}.png,${label}`).join('\n'))
  const data = await loadFlatImages(folder, 'pets', { skipCorrupt: true })
  expect([[...data.train.labels!], [...data.test.labels!], data.skipped]).toEqual([[5, 2, 3, 4], [0], ['1.png']])
})

const plane = async (fit: 'crop' | 'letterbox' | 'stretch', rows: number, columns: number) => {
  const place = temporaryFolder()
  // 4 columns of shades 0, 40, 80, 120.
  await writeImage(join(place, 'a.png'), { width: 4, height: 2, value: (_c, _y, x) => 40 * x })
  const { train, image, geometry } = await loadFlatImages(place, 'shots', { plane: [rows, columns], fit })
  expect([image, geometry]).toEqual([[3, rows, columns], { plane: [rows, columns], fit }])
  return Array.from({ length: rows }, (_, y) => [...train.images.subarray(y * columns, (y + 1) * columns)])
}

it('images come to rows and columns by being cut, with margins, or out of proportion', async () => {
  expect(await plane('crop', 2, 2)).toEqual([
    [40, 80],
    [40, 80],
  ])
  expect(await plane('letterbox', 4, 4)).toEqual([
    [114, 114, 114, 114],
    [0, 40, 80, 120],
    [0, 40, 80, 120],
    [114, 114, 114, 114],
  ])
  expect(await plane('stretch', 1, 4)).toEqual([[0, 40, 80, 120]])
  const [row] = await plane('letterbox', 2, 6)
  expect(row).toEqual([114, 0, 40, 80, 120, 114])
})

it('colours become gray where that is asked for', async () => {
  const taker = { name: 'net', image: [1, 3, 4] as const }
  await expect(loadSamples(folder, taker, { channels: 1 })).rejects.toThrow(
    /is in colour, expected gray images .* --gray/,
  )
  const gray = await loadSamples(folder, taker, { channels: 1, gray: true })
  // 0.299 R + 0.587 G + 0.114 B of (50, 51, 52).
  expect([gray.image, gray.train.images[48], gray.train.images.length]).toEqual([[1, 3, 4], 51, 60])
})

it('a size without rows and columns, or a fit without a size, is refused', async () => {
  await expect(loadFlatImages(folder, 'x', { plane: [2, 2], crop: 2 })).rejects.toThrow(
    'crop: expected none beside a size of rows x columns, found 2',
  )
  await expect(loadFlatImages(folder, 'x', { size: 2, fit: 'stretch' })).rejects.toThrow(
    'fit: expected a size to fit images to, found stretch without one',
  )
})
