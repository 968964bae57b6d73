/**
 * @file Turns one image file into bytes in planes: sharp (libvips) decodes, resizes and crops it.
 *
 * Colours are taken as they are stored: no colour profile and no EXIF rotation is applied, as in the usual
 * Python loaders. Gray images get three equal planes, transparency is dropped, 16 bits become 8.
 */
import { readFile } from 'node:fs/promises'
import type Sharp from 'sharp'
import { fileProblem, UserError } from '../util/errors.ts'
import { optional } from '../util/optional.ts'

export interface Geometry {
  /** The shorter side after resizing (bilinear, antialiased), in pixels. Absent: images keep their size. */
  size?: number
  /**
   * The side of the square cut from the middle, in pixels. Default: `size`; without either, the whole image.
   */
  crop?: number
}

export interface Picture {
  height: number
  width: number
  /** [3, height, width]. */
  planes: Uint8Array
}

/** The error of a file that exists, but is no image that can be decoded without a warning. */
export class CorruptImage extends UserError {}

export type Decode = (path: string) => Promise<Picture>

/**
 * Loads sharp, which takes a tenth of a second. Throws UserError where it is not installed.
 */
export async function imageDecoder(geometry: Geometry): Promise<Decode> {
  const { default: sharp } = await optional(['sharp'], 'decoding images', () => import('sharp'))
  return (path) => decode(sharp, path, geometry)
}

async function decode(sharp: typeof Sharp, path: string, { size, crop = size }: Geometry): Promise<Picture> {
  // The file is not given by its path: libvips would remember the pixels of a file that has changed since.
  const file = await readFile(path).catch((error) => {
    throw new UserError(`cannot read ${path}: ${fileProblem(error)}`)
  })
  if (!isJpeg(file) && !isPng(file)) throw new CorruptImage(`${path} is neither a JPEG nor a PNG file`)
  let image = sharp(file, { ignoreIcc: true })
  if (size !== undefined) image = image.resize(size, size, { fit: 'outside', kernel: 'linear' })
  const { data, info } = await image
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((error) => {
      throw new CorruptImage(`${path} cannot be decoded: ${reason(error)}`)
    })
  const { width, height, channels } = info
  const [h, w] = crop === undefined ? [height, width] : [crop, crop]
  if (h > height || w > width)
    throw new UserError(`${path}: a crop of ${crop} x ${crop} does not fit into ${width} x ${height} pixels`)
  const [top, left] = [(height - h) >> 1, (width - w) >> 1]
  const planes = new Uint8Array(3 * h * w)
  for (let c = 0; c < 3; c++) {
    const channel = Math.min(c, channels - 1)
    for (let y = 0, to = c * h * w; y < h; y++) {
      let from = ((top + y) * width + left) * channels + channel
      for (let x = 0; x < w; x++, from += channels) planes[to++] = data[from]
    }
  }
  return { height: h, width: w, planes }
}

/**
 * The reason in sharp's own words. Those of libvips come from a buffer that all decoders share, so they may
 * be about another image.
 */
function reason(error: Error): string {
  const [line] = error.message.split('\n')
  return line.startsWith('Input ') ? line : 'it is damaged or incomplete'
}

const isJpeg = (bytes: Uint8Array) => bytes[0] === 0xff && bytes[1] === 0xd8
const isPng = (bytes: Uint8Array) => bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47
