/**
 * @file A procedural data set for dry runs and tests. Every class is a fixed pattern of soft blobs, and every
 * image is the pattern of its class under noise. Smooth patterns survive pooling and small shifts, so that
 * convolutional networks learn them as well as others do. Nothing is read from disk.
 */
import { checkNumber, checkWhole } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { type Random, random } from '../util/random.ts'
import { type Dataset, labelArray, type Split } from './dataset.ts'

export interface SyntheticOptions {
  train?: number
  test?: number
  classes?: number
  image?: readonly [number, number, number]
  /** The share of an image's bytes that is noise, 0 to 1, which says how hard the set is. Default 0.5. */
  noise?: number
  seed?: number
}

/** How many random values a pattern is drawn through in each direction. */
const GRID = 4

/**
 * Makes the data set; the same options always give the same bytes. Throws UserError where one is no number.
 */
export function synthetic(options: SyntheticOptions = {}): Dataset {
  const { train = 2000, test = 500, classes = 10, image = [1, 28, 28], noise = 0.5, seed = 0 } = options
  for (const [name, value] of Object.entries({ train, test, classes })) checkWhole(name, value, 1)
  checkNumber('noise', noise, 'a share from 0 to 1', (x) => x >= 0 && x <= 1)
  if (!Array.isArray(image) || image.length !== 3)
    throw new UserError(`image: expected channels, rows and columns, found ${image}`)
  for (const size of image) checkWhole('image', size, 1)
  const pixels = image[0] * image[1] * image[2]
  const draw = random(seed, 'synthetic patterns')
  const patterns = Array.from({ length: classes }, () => pattern(draw, image))
  const threshold = noise * 2 ** 24
  const split = (part: string, count: number): Split => {
    const noisy = random(seed, 'synthetic', part)
    const labels = labelArray(classes, count)
    const images = new Uint8Array(count * pixels)
    for (let n = 0; n < count; n++) {
      labels[n] = n % classes
      const bytes = patterns[labels[n]]
      for (let i = 0; i < pixels; i++) {
        const bits = noisy.bits()
        images[n * pixels + i] = bits >>> 8 < threshold ? bits & 255 : bytes[i]
      }
    }
    return { count, images, labels }
  }
  const channels = Array.from({ length: image[0] })
  return {
    name: 'synthetic',
    classes,
    image,
    mean: channels.map(() => 0.5),
    std: channels.map(() => 0.25),
    train: split('train', train),
    test: split('test', test),
  }
}

/**
 * Draws a pattern [C, H, W]: in each channel a surface through a grid of random heights, bilinear in between.
 */
function pattern(draw: Random, [channels, height, width]: readonly [number, number, number]): Uint8Array {
  const [rows, columns] = [Math.min(GRID, height), Math.min(GRID, width)]
  const bytes = new Uint8Array(channels * height * width)
  for (let c = 0, i = 0; c < channels; c++) {
    const heights = Float64Array.from({ length: rows * columns }, () => draw.below(256))
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [top, down] = between(y, height, rows)
        const [left, right] = between(x, width, columns)
        const at = (r: number, k: number) => heights[Math.min(r, rows - 1) * columns + Math.min(k, columns - 1)]
        const above = (1 - right) * at(top, left) + right * at(top, left + 1)
        const below = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
        bytes[i++] = Math.round((1 - down) * above + down * below)
      }
  }
  return bytes
}

/**
 * The grid line before pixel `i` of `size`, and how far beyond it the pixel lies, 0 to 1. The outer lines are
 * the outer pixels.
 */
function between(i: number, size: number, lines: number): [number, number] {
  const position = size > 1 ? (i * (lines - 1)) / (size - 1) : 0
  const line = Math.floor(position)
  return [line, position - line]
}
