import { expect, it } from 'vitest'
import { CorruptImage, type Decode } from '../../src/data/decode-image.ts'
import { decodeImages } from '../../src/data/decode-images.ts'
import { UserError } from '../../src/util/errors.ts'

const paths = Array.from({ length: 60 }, (_, i) => `${i}.png`)
const numberOf = (path: string) => Number.parseInt(path, 10)
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const pixel = (value: number) => ({ height: 1, width: 1, planes: Uint8Array.of(value, value, value) })

/** Later images are done earlier. */
const hasty: Decode = async (path) => {
  await pause((60 - numberOf(path)) / 4)
  return pixel(numberOf(path))
}

it('images lie in the order of their paths, whichever is decoded first', async () => {
  const { images, skipped } = await decodeImages('pets', paths, hasty)
  expect([...images.filter((_, i) => i % 3 === 0)]).toEqual(paths.map(numberOf))
  expect(skipped).toEqual([])
})

it('several are decoded at once', async () => {
  let [now, most] = [0, 0]
  await decodeImages('pets', paths, async () => {
    most = Math.max(most, ++now)
    await pause(1)
    now--
    return pixel(0)
  })
  expect(most).toBeGreaterThanOrEqual(4)
})

it('of several corrupt images the earliest is named, and few are begun after it', async () => {
  let begun = 0
  const decode: Decode = async (path) => {
    begun++
    const picture = await hasty(path)
    if (numberOf(path) >= 20) throw new CorruptImage(`${path} is cut`)
    return picture
  }
  await expect(decodeImages('pets', paths, decode)).rejects.toThrow(/^20\.png is cut/)
  expect(begun).toBeLessThan(60)
})

it("what is not the image's fault is never skipped", async () => {
  const decode: Decode = async (path) => {
    if (path === '7.png') throw new UserError('cannot read 7.png: permission denied')
    return pixel(0)
  }
  await expect(decodeImages('pets', paths, decode, { skipCorrupt: true })).rejects.toThrow(/permission denied/)
})

it('more than fits into memory is refused after the first image', async () => {
  let begun = 0
  const decode: Decode = async () => {
    begun++
    return { height: 224, width: 224, planes: new Uint8Array(3 * 224 * 224) }
  }
  const many = new Array<string>(12_811_670).fill('a.jpg')
  const message =
    'net: 12811670 images of 224 x 224 pixels need 1928.5 GB, more than fits into memory: choose a smaller --size'
  await expect(decodeImages('net', many, decode)).rejects.toThrow(new UserError(message))
  expect(begun).toBe(1)
})
