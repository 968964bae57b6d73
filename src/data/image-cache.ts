/**
 * @file Keeps decoded images in one file, so that they are decoded once. A file is used only if it is whole,
 * unchanged (CRC-32) and was made from the same images; any other file is treated as if it were not there.
 *
 * The file consists of 8 magic bytes, the length of the header (32 bits, little-endian), the header (JSON),
 * the labels and the images.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { makeFolders } from '../util/files.ts'
import { type Labels, labelArray } from './dataset.ts'

export interface CachedImages {
  /** A hash of the image files and of how they were decoded: equal hashes mean equal content. */
  fingerprint: string
  classNames: string[]
  /** The shape [C, H, W] of an image. */
  image: readonly [number, number, number]
  /** How many images belong to each part; training images come first. */
  trainCount: number
  testCount: number
  skipped: string[]
  /** [trainCount + testCount]. */
  labels: Labels
  /** [trainCount + testCount, C, H, W]. */
  images: Uint8Array
}

type Header = Omit<CachedImages, 'labels' | 'images'> & { checksum: number }

/** The magic bytes. The last one is the version of the layout and of the decoder. */
const MAGIC = new TextEncoder().encode('ESPIMGS2')
/** How many bytes one call reads or writes; the system takes at most 2 GiB. */
const PIECE = 1 << 30

/** Reads the cached images; undefined where the file has none of that fingerprint. */
export function readImageCache(path: string, fingerprint: string): CachedImages | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    const size = fstatSync(file).size
    const start = new Uint8Array(MAGIC.length + 4)
    if (!fill(file, start) || MAGIC.some((byte, i) => start[i] !== byte)) return undefined
    const length = new DataView(start.buffer).getUint32(MAGIC.length, true)
    if (start.length + length > size) return undefined
    const text = new Uint8Array(length)
    if (!fill(file, text)) return undefined
    const { checksum, ...header } = JSON.parse(new TextDecoder().decode(text)) as Header
    if (header.fingerprint !== fingerprint) return undefined
    const count = header.trainCount + header.testCount
    const bytes = count * header.image.reduce((a, b) => a * b)
    const wide = header.classNames.length > 256 ? 2 : 1
    if (size !== start.length + length + count * wide + bytes) return undefined
    const labels = labelArray(header.classNames.length, count)
    const images = new Uint8Array(bytes)
    if (!fill(file, bytesOf(labels)) || !fill(file, images) || checksum !== checksumOf(labels, images)) return undefined
    return { ...header, labels, images }
  } catch {
    return undefined // not a header, or not readable
  } finally {
    closeSync(file)
  }
}

/**
 * Writes the file beside its target and renames it. A power cut may leave a damaged file, which its checksum
 * reveals. Throws as node:fs does.
 */
export function writeImageCache(path: string, { labels, images, ...rest }: CachedImages): void {
  const header: Header = { ...rest, checksum: checksumOf(labels, images) }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, text.length, true)
  const temporary = `${path}.${process.pid}.tmp`
  makeFolders(dirname(path))
  try {
    const file = openSync(temporary, 'w')
    try {
      for (const part of [MAGIC, length, text, bytesOf(labels), images])
        for (let at = 0; at < part.length; ) at += writeSync(file, part, at, Math.min(PIECE, part.length - at))
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

const bytesOf = (labels: Labels) => new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength)

const checksumOf = (labels: Labels, images: Uint8Array): number => {
  let sum = crc32(bytesOf(labels))
  for (let at = 0; at < images.length; at += PIECE) sum = crc32(images.subarray(at, at + PIECE), sum)
  return sum
}

/** Reads until the array is full; false where the file ends before. */
function fill(file: number, to: Uint8Array): boolean {
  for (let at = 0; at < to.length; ) {
    const read = readSync(file, to, at, Math.min(PIECE, to.length - at), null)
    if (read === 0) return false
    at += read
  }
  return true
}
