import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readIdx } from '../../src/data/idx.ts'
import { loadMnist } from '../../src/data/mnist.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { idx, writeMnist } from './idx-files.ts'

const read = (bytes: Uint8Array, dimensions: number) => {
  const path = join(temporaryFolder(), 'file')
  writeFileSync(path, bytes)
  return readIdx(path, dimensions)
}

it('reads shape and values', () => {
  const { shape, data } = read(idx([2, 1, 3], [1, 2, 3, 4, 5, 255]), 3)
  expect(shape).toEqual([2, 1, 3])
  expect([...data]).toEqual([1, 2, 3, 4, 5, 255])
})

it.each<[string, Uint8Array, RegExp]>([
  ['an empty file', new Uint8Array(0), /file is not a valid IDX file: expected a header of 16 bytes, found 0 /],
  ['a cut header', idx([1, 1, 1], []).subarray(0, 15), /expected a header of 16 bytes, found 15 bytes/],
  ['another type', idx([1, 1, 1], [7], 0x0d03), /expected the magic number 0x00000803, found 0x00000d03/],
  ['labels for images', idx([12], new Array(12).fill(0)), /expected the magic number 0x00000803, found 0x00000801/],
  ['a missing value', idx([2, 2, 2], new Array(7).fill(0)), /announces 2 x 2 x 2 = 8 bytes, found 7/],
  ['a value too many', idx([2, 2, 2], new Array(9).fill(0)), /announces 2 x 2 x 2 = 8 bytes, found 9/],
  [
    'sizes beyond memory',
    idx([2 ** 32 - 1, 2 ** 32 - 1, 9], []),
    /announces 4294967295 x 4294967295 x 9 = .*, found 0/,
  ],
])('refuses %s', (_, bytes, message) => {
  expect(() => read(bytes, 3)).toThrow(UserError)
  expect(() => read(bytes, 3)).toThrow(message)
})

describe('a folder of four files', () => {
  const load = (changes: Record<string, Uint8Array | undefined>) => () =>
    loadMnist(writeMnist(temporaryFolder(), changes))

  it('becomes a data set', () => {
    const { train, test, image, classes, mean, std } = load({})()
    expect({ image, classes, mean, std }).toEqual({ image: [1, 2, 2], classes: 10, mean: [0.1307], std: [0.3081] })
    expect([train.count, train.images.length, [...train.labels]]).toEqual([3, 12, [0, 1, 9]])
    expect([test.count, test.images.length, [...test.labels]]).toEqual([2, 8, [3, 4]])
  })

  it.each<[string, Record<string, Uint8Array | undefined>, RegExp]>([
    [
      'a missing file',
      { 't10k-labels-idx1-ubyte': undefined },
      /cannot read .*t10k-labels-idx1-ubyte: there is no such file/,
    ],
    [
      'a label too few',
      { 'train-labels-idx1-ubyte': idx([2], [0, 1]) },
      /train-labels.* holds 2 labels for the 3 images of .*train-images/,
    ],
    [
      'a label out of range',
      { 'train-labels-idx1-ubyte': idx([3], [0, 10, 1]) },
      /train-labels-idx1-ubyte: label 1 is 10, expected 0 to 9/,
    ],
    [
      'no images',
      { 't10k-images-idx3-ubyte': idx([0, 2, 2], []), 't10k-labels-idx1-ubyte': idx([0], []) },
      /t10k-images-idx3-ubyte holds no images/,
    ],
    [
      'two sizes of image',
      { 't10k-images-idx3-ubyte': idx([2, 1, 2], [1, 2, 3, 4]) },
      /training images are 2 x 2 pixels, test images 1 x 2/,
    ],
  ])('refuses %s', (_, changes, message) => {
    expect(load(changes)).toThrow(UserError)
    expect(load(changes)).toThrow(message)
  })
})
