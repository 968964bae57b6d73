/**
 * @file Turns one image file into bytes in planes: sharp (libvips) decodes it, and it is resized and cropped
 * as torchvision does it.
 *
 * Colours are taken as they are stored: no colour profile and no EXIF rotation is applied, as in the usual
 * Python loaders. Gray images get three equal planes, transparency is dropped, 16 bits become 8.
 */
import { readFile } from 'node:fs/promises'
import type Sharp from 'sharp'
import { fileProblem, UserError } from '../util/errors.ts'
import { optional } from '../util/optional.ts'
import { roundHalfToEven } from '../util/rounding.ts'
import type { Fit, Geometry } from './geometry.ts'
import { type Pixels, resampled } from './resample.ts'

export interface Picture {
  height: number
  width: number
  /** [3, height, width]. */
  planes: Uint8Array
}

/** The error of a file that exists, but is no image that can be decoded without a warning. */
export class CorruptImage extends UserError {}

export type Decode = (path: string) => Promise<Picture>

/** Reads an image file as it is stored. Throws UserError, and {@link CorruptImage} where it is none. */
export type ReadPixels = (path: string) => Promise<Pixels>

/**
 * Loads sharp, which takes a tenth of a second. Throws UserError where it is not installed.
 */
export async function pixelReader(): Promise<ReadPixels> {
  const { default: sharp } = await optional(['sharp'], 'decoding images', () => import('sharp'))
  return (path) => readPixels(sharp, path)
}

/** Reads image files, resized and cropped. Throws as {@link pixelReader} does. */
export async function imageDecoder(geometry: Geometry): Promise<Decode> {
  const read = await pixelReader()
  const { plane, fit = 'crop' } = geometry
  if (plane) return async (path) => fitted(await read(path), plane, fit)
  return async (path) => cropped(await read(path), path, geometry)
}

async function readPixels(sharp: typeof Sharp, path: string): Promise<Pixels> {
  // The file is not given by its path: libvips would remember the pixels of a file that has changed since.
  const file = await readFile(path).catch((error) => {
    throw new UserError(`cannot read ${path}: ${fileProblem(error)}`)
  })
  if (!isJpeg(file) && !isPng(file) && !isWebp(file))
    throw new CorruptImage(`${path} is neither a JPEG, a PNG nor a WebP file`)
  const { data, info } = await sharp(file, { ignoreIcc: true })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((error) => {
      throw new CorruptImage(`${path} cannot be decoded: ${reason(error)}`)
    })
  const { width, height, channels } = info
  return { height, width, channels, data }
}

/**
 * The middle of the resized image, as torchvision's Resize and CenterCrop have it: the longer side is cut off
 * to a whole number of pixels, the place of the crop rounded to one.
 */
function cropped(pixels: Pixels, path: string, { size, crop = size }: Geometry): Picture {
  const { height, width } = pixels
  const shorter = Math.min(height, width)
  const resizedSide = (side: number) => (size === undefined ? side : Math.floor((size * side) / shorter))
  const [h, w] = [resizedSide(height), resizedSide(width)]
  const [rows, columns] = crop === undefined ? [h, w] : [crop, crop]
  if (rows > h || columns > w)
    throw new UserError(`${path}: a crop of ${crop} x ${crop} does not fit into ${w} x ${h} pixels`)
  const whole = resampled(pixels, { top: 0, left: 0, height, width }, h, w)
  return middle(whole, [h, w], [rows, columns])
}

/** The middle of planes [3, h, w]. */
function middle(whole: Uint8Array, [h, w]: readonly [number, number], [rows, columns]: readonly number[]): Picture {
  const [top, left] = [roundHalfToEven((h - rows) / 2), roundHalfToEven((w - columns) / 2)]
  const planes = new Uint8Array(3 * rows * columns)
  for (let row = 0; row < 3 * rows; row++) {
    const from = (Math.floor(row / rows) * h + top + (row % rows)) * w + left
    planes.set(whole.subarray(from, from + columns), row * columns)
  }
  return { height: rows, width: columns, planes }
}

/** What lies beside a letterboxed image: the gray that YOLO's training has there. */
const MARGIN = 114

/** The image as it fits a plane of so many rows and columns. */
function fitted(pixels: Pixels, [rows, columns]: readonly [number, number], fit: Fit): Picture {
  const { height, width } = pixels
  const resized = (h: number, w: number) => resampled(pixels, { top: 0, left: 0, height, width }, h, w)
  if (fit === 'stretch') return { height: rows, width: columns, planes: resized(rows, columns) }
  const scales = [rows / height, columns / width]
  const scale = fit === 'crop' ? Math.max(...scales) : Math.min(...scales)
  const side = (n: number, least: number) => Math.max(least, Math.round(n * scale))
  if (fit === 'crop') {
    const [h, w] = [side(height, rows), side(width, columns)]
    return middle(resized(h, w), [h, w], [rows, columns])
  }
  const [h, w] = [Math.min(rows, side(height, 1)), Math.min(columns, side(width, 1))]
  const inner = resized(h, w)
  const [top, left] = [Math.floor((rows - h) / 2), Math.floor((columns - w) / 2)]
  const planes = new Uint8Array(3 * rows * columns).fill(MARGIN)
  for (let row = 0; row < 3 * h; row++) {
    const to = (Math.floor(row / h) * rows + top + (row % h)) * columns + left
    planes.set(inner.subarray(row * w, (row + 1) * w), to)
  }
  return { height: rows, width: columns, planes }
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
const isWebp = (file: Buffer) => file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 12) === 'WEBP'
