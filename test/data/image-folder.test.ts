import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadImageFolder } from '../../src/data/image-folder.ts'
import type { DataProgress } from '../../src/data/progress.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { writeImage, writeImageFolder } from './image-files.ts'

let cache: string
beforeEach(() => {
  cache = temporaryFolder()
  vi.stubEnv('ESPALIER_CACHE', cache)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const folderOfImages = () => writeImageFolder(temporaryFolder())
const firsts = (images: Uint8Array, size: number) =>
  Array.from({ length: images.length / size }, (_, i) => images[i * size])

/** Every image is decoded again: what the cache is for. */
async function countDecoded(folder: string, options = {}): Promise<number> {
  let decoded = 0
  await loadImageFolder(folder, 'pets', { ...options, onProgress: ({ done }) => (decoded = done) })
  return decoded
}

it('classes are the sorted folders, images follow by name', async () => {
  const data = await loadImageFolder(await folderOfImages(), 'pets')
  expect(data).toMatchObject({ name: 'pets', classes: 2, classNames: ['cat', 'dog'], image: [3, 3, 4] })
  expect([data.mean, data.std]).toEqual([
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ])
  expect([data.train.count, [...data.train.labels]]).toEqual([4, [0, 0, 1, 1]])
  expect([data.test.count, [...data.test.labels]]).toEqual([2, [0, 1]])
  expect(firsts(data.train.images, 36)).toEqual([0, 1, 2, 3])
  expect(firsts(data.test.images, 36)).toEqual([104, 105])
  expect(data.skipped).toBeUndefined()
})

it('planes one after the other, rows from the top', async () => {
  const folder = await writeImageFolder(temporaryFolder(), { value: (c, y, x) => 100 * c + 10 * y + x })
  const { train } = await loadImageFolder(folder, 'pets')
  const expected = [0, 1, 2].flatMap((c) => [0, 1, 2].flatMap((y) => [0, 1, 2, 3].map((x) => 100 * c + 10 * y + x)))
  expect([...train.images.subarray(0, 36)]).toEqual(expected)
})

it('val/ stands for test/; files of other kinds, hidden files and hidden folders are passed over', async () => {
  const folder = await folderOfImages()
  renameSync(join(folder, 'test'), join(folder, 'val'))
  writeFileSync(join(folder, 'train', 'cat', 'notes.txt'), 'x')
  writeFileSync(join(folder, 'train', 'cat', '._a.png'), 'x')
  mkdirSync(join(folder, 'train', '.thumbnails'))
  const { train, test } = await loadImageFolder(folder, 'pets')
  expect([train.count, test.count]).toEqual([4, 2])
})

it('JPEG, PNG, upper case; gray, with transparency, of 16 bits: all become three planes of bytes', async () => {
  const folder = await folderOfImages()
  const cat = join(folder, 'train', 'cat')
  await writeImage(join(cat, 'c.JPEG'), { value: () => 50 })
  await writeImage(join(cat, 'd.jpg'), { channels: 1, value: () => 60 })
  await writeImage(join(cat, 'e.PNG'), { channels: 1, value: () => 70 })
  await writeImage(join(cat, 'f.png'), { channels: 2, value: (c) => [80, 128][c] })
  await writeImage(join(cat, 'g.png'), { channels: 4, value: (c) => [90, 91, 92, 128][c] })
  const deep = sharp(
    Uint16Array.from({ length: 36 }, () => 257 * 110),
    { raw: { width: 4, height: 3, channels: 3 } },
  )
  await deep.toColourspace('rgb16').png().toFile(join(cat, 'h.png'))
  const { train } = await loadImageFolder(folder, 'pets')
  const planes = firsts(train.images, 12).slice(6, 24)
  expect(planes).toEqual([50, 50, 50, 60, 60, 60, 70, 70, 70, 80, 80, 80, 90, 91, 92, 110, 110, 110])
})

it('size resizes the shorter side, then crops the middle', async () => {
  const folder = await writeImageFolder(temporaryFolder(), { width: 40, height: 20, value: (_c, _y, x) => 5 * x })
  const wide = await loadImageFolder(folder, 'pets', { size: 10 })
  expect(wide.image).toEqual([3, 10, 10])
  // 20 x 10 pixels after resizing, each twice as wide as before: columns 5 to 14 are left.
  const row = [...wide.train.images.subarray(0, 10)]
  row.forEach((value, x) => {
    expect(Math.abs(value - 5 * (2 * (x + 5) + 0.5))).toBeLessThanOrEqual(2)
  })
  expect((await loadImageFolder(folder, 'pets', { size: 12, crop: 8 })).image).toEqual([3, 8, 8])
})

it('tells what was done to the images', async () => {
  const folder = await writeImageFolder(temporaryFolder(), { width: 12, height: 10 })
  const geometry = async (options = {}) => (await loadImageFolder(folder, 'pets', options)).geometry
  expect(await geometry()).toBeUndefined()
  expect(await geometry({ size: 8 })).toEqual({ size: 8, crop: 8 })
  expect(await geometry({ crop: 6 })).toEqual({ crop: 6 })
  // What is usual counts where nothing is asked for.
  const usual = { size: 9, crop: 7 }
  expect(await geometry({ usual })).toEqual(usual)
  expect(await geometry({ usual, crop: 6 })).toEqual({ crop: 6 })
  await expect(geometry({ usual, size: 0 })).rejects.toThrow('size: expected a whole number of pixels above 0, found 0')
})

it('images that have the size already are taken as they are', async () => {
  const folder = await writeImageFolder(temporaryFolder(), {
    width: 8,
    height: 8,
    value: (c, y, x) => 31 * (x ^ y) + c,
  })
  const { train } = await loadImageFolder(folder, 'pets')
  expect((await loadImageFolder(folder, 'pets', { size: 8 })).train).toEqual(train)
})

it('crop alone cuts the middle out of the stored pixels', async () => {
  const folder = await writeImageFolder(temporaryFolder(), { width: 5, height: 4, value: (_c, y, x) => 10 * y + x })
  const { image, train } = await loadImageFolder(folder, 'pets', { crop: 2 })
  expect(image).toEqual([3, 2, 2])
  expect([...train.images.subarray(0, 4)]).toEqual([12, 13, 22, 23])
})

describe('refuses', () => {
  const refused = async (folder: string, message: RegExp | string, options = {}) => {
    await expect(loadImageFolder(folder, 'pets', options)).rejects.toThrow(UserError)
    await expect(loadImageFolder(folder, 'pets', options)).rejects.toThrow(message)
  }

  it('images of two sizes, unless a size is given', async () => {
    const folder = await folderOfImages()
    await writeImage(join(folder, 'train', 'dog', 'c.png'), { width: 6, height: 5 })
    await writeImage(join(folder, 'train', 'dog', 'd.png'), { width: 7, height: 5 })
    await refused(folder, /dog.c\.png is 6 x 5 pixels, .*cat.a\.png is 4 x 3: choose one size for all with --size/)
    expect((await loadImageFolder(folder, 'pets', { size: 3 })).image).toEqual([3, 3, 3])
  })

  it('a class that one part lacks', async () => {
    const folder = await folderOfImages()
    await writeImage(join(folder, 'train', 'emu', 'a.png'))
    await refused(folder, /test lacks the class emu that .*train has: both must have the same folders/)
    for (const name of ['fox', 'gnu', 'hen', 'owl']) await writeImage(join(folder, 'test', name, 'a.png'))
    await writeImage(join(folder, 'test', 'emu', 'a.png'))
    await refused(folder, /train lacks the class fox, gnu, hen and 1 more that .*test has/)
  })

  it('a class without images', async () => {
    const folder = await folderOfImages()
    rmSync(join(folder, 'test', 'dog', 'a.png'))
    await refused(folder, /test.dog holds no images: expected \.jpg, \.jpeg, \.png or \.webp files/)
  })

  it('a part without classes', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'train'))
    mkdirSync(join(folder, 'test'))
    await refused(folder, /train holds no folders: expected one per class/)
  })

  it('a missing part', async () => {
    const folder = await folderOfImages()
    rmSync(join(folder, 'test'), { recursive: true })
    await refused(folder, /cannot read .*test: there is no such file or folder/)
  })

  it.each([
    [{ size: 0 }, 'size: expected a whole number of pixels above 0, found 0'],
    [{ crop: 2.5 }, 'crop: expected a whole number of pixels above 0, found 2.5'],
    [{ size: 8, crop: 9 }, 'crop: expected at most the size 8, found 9'],
    [{ crop: 4 }, /a\.png: a crop of 4 x 4 does not fit into 4 x 3 pixels/],
    [{ normalization: 'mnest' }, 'there is no normalization named mnest (did you mean mnist?)'],
  ])('%o', async (options, message) => {
    await refused(await folderOfImages(), message, options)
  })
})

describe('images that cannot be decoded', () => {
  const cut = async (path: string) => {
    await writeImage(path, { width: 64, height: 64, value: (c, y, x) => (c * 80 + y * x) % 256 })
    const whole = readFileSync(path)
    writeFileSync(path, whole.subarray(0, whole.length / 2))
  }
  const damaged = async () => {
    const folder = await writeImageFolder(temporaryFolder(), { width: 64, height: 64 })
    await cut(join(folder, 'train', 'cat', 'ab.jpg'))
    writeFileSync(join(folder, 'train', 'dog', 'aa.jpeg'), '<html>not found</html>')
    await cut(join(folder, 'test', 'dog', 'b.png'))
    writeFileSync(join(folder, 'test', 'dog', 'c.png'), '')
    return folder
  }

  it('are refused: the first one is named, with what is wrong', async () => {
    const folder = await damaged()
    await expect(loadImageFolder(folder, 'pets')).rejects.toThrow(UserError)
    await expect(loadImageFolder(folder, 'pets')).rejects.toThrow(
      /ab\.jpg cannot be decoded: it is damaged or incomplete \(mend or remove it, or leave such out: --skip-corrupt\)$/,
    )
    rmSync(join(folder, 'train', 'cat', 'ab.jpg'))
    await expect(loadImageFolder(folder, 'pets')).rejects.toThrow(/aa\.jpeg is neither a JPEG, a PNG nor a WebP file/)
    expect(readdirSync(cache)).toEqual([])
  })

  it('are left out and named with skipCorrupt, from the cache too', async () => {
    const folder = await damaged()
    for (let time = 0; time < 2; time++) {
      const { train, test, skipped } = await loadImageFolder(folder, 'pets', { skipCorrupt: true })
      expect(skipped).toEqual([
        join('train', 'cat', 'ab.jpg'),
        join('train', 'dog', 'aa.jpeg'),
        join('test', 'dog', 'b.png'),
        join('test', 'dog', 'c.png'),
      ])
      expect([[...train.labels], firsts(train.images, 3 * 64 * 64)]).toEqual([
        [0, 0, 1, 1],
        [0, 1, 2, 3],
      ])
      expect([[...test.labels], firsts(test.images, 3 * 64 * 64)]).toEqual([
        [0, 1],
        [104, 105],
      ])
    }
    await expect(loadImageFolder(folder, 'pets')).rejects.toThrow(/ab\.jpg cannot be decoded/)
  })

  it('may come first', async () => {
    const folder = await folderOfImages()
    writeFileSync(join(folder, 'train', 'cat', '0.png'), 'x')
    const { train, skipped } = await loadImageFolder(folder, 'pets', { skipCorrupt: true })
    expect([train.count, skipped]).toEqual([4, [join('train', 'cat', '0.png')]])
  })

  it('must not be all', async () => {
    const folder = temporaryFolder()
    for (const part of ['train', 'test']) {
      mkdirSync(join(folder, part, 'cat'), { recursive: true })
      writeFileSync(join(folder, part, 'cat', 'a.png'), 'x')
    }
    await expect(loadImageFolder(folder, 'pets', { skipCorrupt: true })).rejects.toThrow(
      new UserError(`${folder}: none of its 2 images can be decoded`),
    )
    await writeImage(join(folder, 'train', 'cat', 'b.png'))
    await expect(loadImageFolder(folder, 'pets', { skipCorrupt: true })).rejects.toThrow(
      new UserError(`${folder}: none of its test images can be decoded`),
    )
  })
})

describe('the cache', () => {
  const files = () => readdirSync(join(cache, 'images'))

  it('gives the same data set without decoding', async () => {
    const folder = await folderOfImages()
    const decoded = await loadImageFolder(folder, 'pets')
    const onProgress = vi.fn()
    expect(await loadImageFolder(folder, 'pets', { onProgress })).toEqual(decoded)
    expect(onProgress).not.toHaveBeenCalled()
    expect(files()).toHaveLength(1)
  })

  it('tells the ways of decoding apart', async () => {
    const folder = await folderOfImages()
    expect(await countDecoded(folder)).toBe(6)
    expect(await countDecoded(folder, { size: 2 })).toBe(6)
    expect(await countDecoded(folder, { size: 3, crop: 2 })).toBe(6)
    expect(files()).toHaveLength(3)
    // The same in other words.
    expect(await countDecoded(folder, { size: 2, crop: 2 })).toBe(0)
    expect(await countDecoded(folder, { normalization: 'half' })).toBe(0)
  })

  it('is replaced when files change, come or go', async () => {
    const folder = await folderOfImages()
    const path = join(folder, 'train', 'cat', 'a.png')
    await countDecoded(folder)
    utimesSync(path, new Date(), new Date(1e12))
    expect(await countDecoded(folder)).toBe(6)
    await writeImage(path, { value: () => 77 })
    utimesSync(path, new Date(), new Date(1e12 + 1000))
    expect((await loadImageFolder(folder, 'pets')).train.images[0]).toBe(77)
    await writeImage(join(folder, 'test', 'cat', 'b.png'))
    expect(await countDecoded(folder)).toBe(7)
    rmSync(path)
    expect(await countDecoded(folder)).toBe(6)
    renameSync(join(folder, 'test', 'cat', 'b.png'), join(folder, 'test', 'cat', 'z.png'))
    expect(await countDecoded(folder)).toBe(6)
    expect(files()).toHaveLength(1)
  })

  it.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['cut short', (bytes) => bytes.subarray(0, -1)],
    ['too long', (bytes) => Buffer.concat([bytes, Buffer.from([0])])],
    ['empty', () => new Uint8Array(0)],
    [
      'of an endless header',
      (bytes) => Buffer.concat([bytes.subarray(0, 8), Buffer.alloc(4, 255), bytes.subarray(12)]),
    ],
    ['without a header', (bytes) => Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(bytes.length - 12, 32)])],
    ['of another program', (bytes) => Buffer.concat([Buffer.from('PNG'), bytes.subarray(3)])],
    [
      'with one bit turned',
      (bytes) => {
        bytes[bytes.length - 20] ^= 1
        return bytes
      },
    ],
  ])('%s is as good as none', async (_, damage) => {
    const folder = await folderOfImages()
    const decoded = await loadImageFolder(folder, 'pets')
    const path = join(cache, 'images', files()[0])
    const whole = readFileSync(path)
    writeFileSync(path, damage(Buffer.from(whole)))
    expect(await loadImageFolder(folder, 'pets')).toEqual(decoded)
    expect(readFileSync(path).equals(whole)).toBe(true)
  })

  it('that cannot be written costs a warning, no more', async () => {
    vi.stubEnv('ESPALIER_CACHE', join(await writeImage(join(cache, 'file.png')), 'inside'))
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    expect((await loadImageFolder(await folderOfImages(), 'pets')).train.count).toBe(4)
    expect(warning).toHaveBeenCalledWith(expect.stringContaining('decoded images could not be kept for the next time'))
    warning.mockRestore()
  })
})

it('tells how far it has come', async () => {
  const folder = await folderOfImages()
  const told: DataProgress[] = []
  await loadImageFolder(folder, 'pets', { onProgress: (progress) => told.push(progress) })
  expect(told[0]).toMatchObject({ what: folder, unit: 'images', done: 1, total: 6 })
  expect(told.at(-1)).toMatchObject({ done: 6, secondsLeft: 0 })
  expect(told.at(-1)!.perSecond).toBeGreaterThan(0)
})
