/** @file Gray image files for networks of one channel. */
import { join } from 'node:path'
import { beforeEach, expect, it, vi } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { recipeData } from '../../src/experiment/plan/data.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { beginning, graphOf } from '../../src/models/model.ts'
import { UserError } from '../../src/util/errors.ts'
import { espalier, jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'
import { writeImage, writeImageFolder } from './image-files.ts'

let folder: string
beforeEach(async () => {
  vi.stubEnv('ESPALIER_CACHE', temporaryFolder())
  const drawing = { channels: 1, value: (_c: number, y: number, x: number) => 20 * y + x } as const
  folder = await writeImageFolder(temporaryFolder(), drawing)
})

it('gray files have one plane where one is asked for, three elsewhere', async () => {
  const one = await loadDataset(folder, { channels: 1 })
  expect([one.image, one.mean, one.std, one.train.count]).toEqual([[1, 3, 4], [0.1307], [0.3081], 4])
  expect([...one.train.images.subarray(0, 12)]).toEqual([0, 1, 2, 3, 20, 21, 22, 23, 40, 41, 42, 43])
  expect([...one.test.images.subarray(12)]).toEqual([...one.test.images.subarray(0, 12)])
  expect(one.origin!.mean).toBe('guessed: the constants mnist, since a folder does not say its own')
  const three = await loadDataset(folder, { channels: 3 })
  expect([three.image, three.mean.length, three.test.images.length]).toEqual([[3, 3, 4], 3, 2 * 36])
  expect(await loadDataset(folder, { channels: 1, normalization: 'half' })).toMatchObject({ mean: [0.5], std: [0.5] })
})

it('what is in colour, and constants of three channels, are refused in a sentence', async () => {
  await expect(loadDataset(folder, { channels: 1, normalization: 'cifar10' })).rejects.toThrow(
    new UserError('normalization cifar10 is for 3 channels, the images have 1'),
  )
  await writeImage(join(folder, 'train', 'dog', 'a.png'), { value: (c, y, x) => 20 * y + x + (c === 2 ? 1 : 0) })
  await expect(loadDataset(folder, { channels: 1 })).rejects.toThrow(
    new UserError(
      `${folder}: training image 3 of 4 is in colour, expected gray images for a network of one channel, or --gray`,
    ),
  )
})

it('eval and recipes of networks of one channel take them', async () => {
  const model = findModel('lenet-300-100', { classes: 2 })
  const begin = beginning(model, undefined, 0)
  const tensors = new Map(
    graphOf(model)
      .stored()
      .map((tensor) => [tensor.name, storeFloats(begin(tensor), tensor.shape)] as const),
  )
  const weights = join(folder, 'w.safetensors')
  writeSafetensors(weights, { tensors, metadata: { model: 'lenet-300-100', classes: '2' } })
  const { stdout, stderr } = await espalier(['eval', weights, '--data', folder, '--json'])
  expect(stderr).toBe('')
  expect(jsonLines(stdout)[0]).toMatchObject({ count: 2, mean: [0.1307], size: 28, crop: 28 })

  const data = { name: folder, size: 28, normalization: 'half' }
  const recipe = { ...tiny, model: { name: 'mlpnet', classes: 2 }, train: { ...tiny.train, batch: 2 }, data }
  expect(await recipeData(checkRecipe(recipe, 'tiny'))).toMatchObject({ image: [1, 28, 28], mean: [0.5] })
})
