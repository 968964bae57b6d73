import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type CifarFamily, cifar10, cifar100, isCifarFolder, loadCifar } from '../../src/data/cifar.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { record, writeCifar10, writeCifar100 } from './cifar-files.ts'

/** First value of each plane of each image. */
const planes = (images: Uint8Array) => Array.from({ length: images.length / 1024 }, (_, i) => images[1024 * i])

it('CIFAR-10: one label byte, three planes, five batches in order', () => {
  const data = loadCifar(writeCifar10(temporaryFolder()), 'photos', cifar10)
  expect(data).toMatchObject({ name: 'photos', classes: 10, image: [3, 32, 32] })
  expect([data.mean, data.std]).toEqual([
    [0.4914, 0.4822, 0.4465],
    [0.2023, 0.1994, 0.201],
  ])
  expect(data.classNames?.[9]).toBe('truck')
  expect([data.train.count, [...data.train.labels]]).toEqual([5, [1, 2, 3, 4, 5]])
  expect(planes(data.train.images)).toEqual([10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52])
  expect([data.test.count, [...data.test.labels]]).toEqual([2, [9, 0]])
  expect(planes(data.test.images)).toEqual([100, 101, 102, 200, 201, 202])
})

it('CIFAR-100: the fine labels', () => {
  const data = loadCifar(writeCifar100(temporaryFolder()), 'photos', cifar100)
  expect(data).toMatchObject({ classes: 100, mean: [0.5071, 0.4867, 0.4408] })
  expect([[...data.train.labels], [...data.test.labels]]).toEqual([[99, 42], [7]])
  expect(planes(data.train.images)).toEqual([10, 11, 12, 20, 21, 22])
})

it.each<[string, CifarFamily, (folder: string) => string, number]>([
  ['cifar-10-batches-bin', cifar10, writeCifar10, 5],
  ['cifar-100-binary', cifar100, writeCifar100, 2],
])('the subfolder %s of the archive will do', (name, family, write, count) => {
  const folder = temporaryFolder()
  expect(isCifarFolder(folder, family)).toBe(false)
  write(join(folder, name))
  expect(isCifarFolder(folder, family)).toBe(true)
  expect(loadCifar(folder, 'photos', family).train.count).toBe(count)
})

describe('refuses', () => {
  const wrong10 = (changes: Record<string, Uint8Array | undefined>) => () =>
    loadCifar(writeCifar10(temporaryFolder(), changes), 'photos', cifar10)
  const wrong100 = (changes: Record<string, Uint8Array | undefined>) => () =>
    loadCifar(writeCifar100(temporaryFolder(), changes), 'photos', cifar100)

  it.each<[string, () => unknown, RegExp]>([
    [
      'a partial record',
      wrong10({ 'data_batch_3.bin': new Uint8Array(2 * 3073 - 1) }),
      /data_batch_3\.bin has 6145 bytes, expected whole records of 3073 bytes \(1 for labels, 3072 for pixels\)/,
    ],
    ['a partial record of CIFAR-100', wrong100({ 'test.bin': record([1]) }), /test\.bin has 3073 bytes.* of 3074 /],
    ['an empty file', wrong10({ 'test_batch.bin': new Uint8Array(0) }), /test_batch\.bin has 0 bytes/],
    [
      'a missing batch',
      wrong10({ 'data_batch_2.bin': undefined }),
      /cannot read .*data_batch_2\.bin: there is no such file/,
    ],
    [
      'a label out of range',
      wrong10({ 'data_batch_4.bin': Buffer.concat([record([9]), record([10])]) }),
      /data_batch_4\.bin: the label of record 1 is 10, expected 0 to 9/,
    ],
    [
      'a fine label out of range',
      wrong100({ 'train.bin': record([0, 100]) }),
      /train\.bin: the fine label of record 0 is 100, expected 0 to 99/,
    ],
    [
      'a coarse label out of range',
      wrong100({ 'train.bin': record([20, 1]) }),
      /train\.bin: the coarse label of record 0 is 20, expected 0 to 19/,
    ],
  ])('%s', (_, load, message) => {
    expect(load).toThrow(UserError)
    expect(load).toThrow(message)
  })
})
