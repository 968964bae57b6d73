/** @file MAT-files of cropped digits, written here byte by byte. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { afterEach, expect, it, vi } from 'vitest'
import { loadDataset } from '../../src/data/index.ts'
import { readMat } from '../../src/data/mat.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'
import { temporaryFolder } from '../cli/temporary.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const words = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer)
const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)])
const element = (type: number, bytes: Buffer) => Buffer.concat([words(type, bytes.length), padded(bytes)])
/** A name of at most four letters shares eight bytes with its type. */
const small = (type: number, bytes: Buffer) => {
  const content = Buffer.alloc(4)
  bytes.copy(content)
  return Buffer.concat([words(type | (bytes.length << 16)), content])
}

/** An array; 9 is the class of bytes, 2 the type of unsigned bytes. */
function array(name: string, shape: number[], values: Buffer, type = 2): Buffer {
  const sizes = Buffer.from(Int32Array.from(shape).buffer)
  const parts = [element(6, words(9, 0)), element(5, sizes), small(1, Buffer.from(name)), element(type, values)]
  return element(14, Buffer.concat(parts))
}

const header = (mark = 'IM') =>
  Buffer.concat([Buffer.alloc(124, 'MATLAB 5.0 MAT-file '), Buffer.from([0, 1]), Buffer.from(mark)])

const compressed = (bytes: Buffer): Buffer => {
  const packed = deflateSync(bytes)
  return Buffer.concat([words(15, packed.length), packed])
}

/** Image n has the value 100 n + 10 c + y mod 4 + (x mod 2) * 4 at row y, column x. */
const pixel = (n: number, c: number, y: number, x: number) => (100 * n + 10 * c + (y % 4) + 4 * (x % 2)) % 256

function images(count: number): Buffer {
  const bytes = Buffer.alloc(count * 3072)
  let at = 0
  for (let n = 0; n < count; n++)
    for (let c = 0; c < 3; c++)
      for (let x = 0; x < 32; x++) for (let y = 0; y < 32; y++) bytes[at++] = pixel(n, c, y, x)
  return bytes
}

function svhn(folder = temporaryFolder(), labels = [1, 10, 9], pack: (bytes: Buffer) => Buffer = compressed): string {
  const write = (name: string, label: number[]) => {
    const x = pack(array('X', [32, 32, 3, label.length], images(label.length)))
    writeFileSync(
      join(folder, name),
      Buffer.concat([header(), x, pack(array('y', [label.length, 1], Buffer.from(label)))]),
    )
  }
  write('train_32x32.mat', labels)
  write('test_32x32.mat', [10, 5])
  return folder
}

it.each([
  ['compressed', compressed],
  ['as they are', (bytes: Buffer): Buffer => bytes],
])('images have rows of pixels, and ten is zero: %s', async (_, pack) => {
  const folder = svhn(temporaryFolder(), [1, 10, 9], pack)
  const { image, classes, train, test, mean, classNames } = await loadDataset(folder)
  expect([image, classes, train.count, test.count, mean[0]]).toEqual([[3, 32, 32], 10, 3, 2, 0.4377])
  expect([[...train.labels], [...test.labels], classNames![0]]).toEqual([[1, 0, 9], [0, 5], '0'])
  for (const [n, c, y, x] of [
    [0, 0, 0, 1],
    [1, 2, 3, 0],
    [2, 1, 31, 17],
  ])
    expect(train.images[((n * 3 + c) * 32 + y) * 32 + x]).toBe(pixel(n, c, y, x))
})

it('it has a name', async () => {
  const data = temporaryFolder()
  vi.stubEnv('ESPALIER_DATA', data)
  vi.stubEnv('ESPALIER_CACHE', temporaryFolder())
  await expect(loadDataset('svhn')).rejects.toThrow('svhn was not found: run espalier data get svhn, or put its files')
  const { mkdirSync } = await import('node:fs')
  mkdirSync(join(data, 'svhn'))
  svhn(join(data, 'svhn'))
  expect(await loadDataset('svhn')).toMatchObject({ name: 'svhn', origin: { mean: 'of the data set' } })
  expect((await loadDataset('svhn', { normalization: 'half' })).mean).toEqual([0.5, 0.5, 0.5])
})

it('labels may be stored as doubles', () => {
  const path = join(temporaryFolder(), 'y.mat')
  const values = Buffer.from(Float64Array.of(3, 10).buffer)
  writeFileSync(path, Buffer.concat([header(), array('y', [2, 1], values, 9)]))
  expect(readMat(path).get('y')).toEqual({ name: 'y', shape: [2, 1], values: Float64Array.of(3, 10) })
})

const y = array('y', [2, 1], Buffer.from([1, 2]))
it.each<[string, Buffer, string]>([
  [
    'a short file',
    header().subarray(0, 50),
    'is not a valid MAT-file: expected a header of 128 bytes, found 50 bytes in all',
  ],
  [
    'big-endian',
    header('MI'),
    'is not a valid MAT-file: expected the mark IM of little-endian files at byte 126, found "MI"',
  ],
  ['an end within an array', Buffer.concat([header(), y.subarray(0, -3)]), 'is not a valid MAT-file: an element of'],
  [
    'damaged compression',
    Buffer.concat([header(), words(15, 8), Buffer.alloc(8)]),
    'an element cannot be decompressed',
  ],
  [
    'other sizes',
    Buffer.concat([header(), array('X', [32, 32, 3, 2], Buffer.alloc(5))]),
    'an array of 32 x 32 x 3 x 2 needs 6144 bytes, found 5',
  ],
  ['no images', Buffer.concat([header(), y]), 'expected the arrays X and y, found y'],
  ['nothing', header(), 'expected the arrays X and y, found none'],
  [
    'larger images',
    Buffer.concat([header(), array('X', [64, 64, 3, 1], Buffer.alloc(12288)), y]),
    'X: expected 32 x 32 x 3 x n, found 64 x 64 x 3 x 1',
  ],
  [
    'fewer labels',
    Buffer.concat([header(), array('X', [32, 32, 3, 3], images(3)), y]),
    'y: expected 3 labels, one for each image, found 2',
  ],
  [
    'a label of another data set',
    Buffer.concat([header(), array('X', [32, 32, 3, 2], images(2)), array('y', [2, 1], Buffer.from([1, 11]))]),
    'y: label 2 is 11, expected 1 to 10',
  ],
])('refused in a sentence: %s', async (_, bytes, message) => {
  const folder = svhn()
  writeFileSync(join(folder, 'train_32x32.mat'), bytes)
  const refused = await loadDataset(folder).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(UserError)
  expect((refused as Error).message).toContain(join(folder, 'train_32x32.mat'))
  expect((refused as Error).message).toContain(message)
})

it('whatever is changed in a file, it is read or refused in a sentence', () => {
  const whole = Buffer.concat([header(), array('X', [4, 2], Buffer.alloc(8)), compressed(y)])
  const path = join(temporaryFolder(), 'mutated.mat')
  const draw = random(0, 'mat')
  for (let round = 0; round < 400; round++) {
    const bytes = Uint8Array.from(whole)
    for (let k = draw.below(6); k >= 0; k--) bytes[120 + draw.below(bytes.length - 120)] = draw.below(256)
    writeFileSync(path, bytes)
    try {
      for (const { shape, values } of readMat(path).values())
        expect(values.length).toBe(shape.reduce((a, b) => a * b, 1))
    } catch (error) {
      expect(error).toBeInstanceOf(UserError)
    }
  }
})
