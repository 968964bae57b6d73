/**
 * @file Turns many image files into one array of bytes. Several are decoded at once.
 */
import { constants } from 'node:buffer'
import { availableParallelism, totalmem } from 'node:os'
import { UserError } from '../util/errors.ts'
import { CorruptImage, type Decode, type Picture } from './decode-image.ts'
import { Meter, type OnProgress } from './progress.ts'

export interface DecodedImages {
  /** The size of every image, in pixels. */
  height: number
  width: number
  /** The n images that could be decoded, [n, 3, height, width], in the order of the paths. */
  images: Uint8Array
  /** The positions in `paths` of the images that could not be decoded. */
  skipped: number[]
}

export interface DecodeOptions {
  /** Whether images that cannot be decoded are left out. Default: they are refused. */
  skipCorrupt?: boolean
  onProgress?: OnProgress
}

/**
 * Decodes all files; `what` is what messages call them together. All images must come out in one size, that
 * of the first. Throws UserError for an image that does not, or that cannot be decoded, and where there are
 * several always for the earliest.
 */
export async function decodeImages(
  what: string,
  paths: readonly string[],
  decode: Decode,
  { skipCorrupt = false, onProgress }: DecodeOptions = {},
): Promise<DecodedImages> {
  const meter = new Meter({ what, unit: 'images', total: paths.length }, onProgress)
  const skipped: number[] = []
  const attempt = async (i: number): Promise<Picture | undefined> => {
    try {
      return await decode(paths[i])
    } catch (error) {
      if (!(error instanceof CorruptImage)) throw error
      if (!skipCorrupt) throw new UserError(`${error.message} (mend or remove it, or leave such out: --skip-corrupt)`)
      skipped.push(i)
      return undefined
    } finally {
      meter.advance(1)
    }
  }

  let reference = 0
  let first: Picture | undefined
  for (; reference < paths.length && !first; reference++) first = await attempt(reference)
  if (!first) throw new UserError(`${what}: none of its ${paths.length} images can be decoded`)
  reference--
  const { height, width } = first
  const size = 3 * height * width
  const images = allocate(what, paths.length, height, width)
  images.set(first.planes, reference * size)

  await inParallel(reference + 1, paths.length, async (i) => {
    const picture = await attempt(i)
    if (!picture) return
    if (picture.height !== height || picture.width !== width)
      throw new UserError(
        `${paths[i]} is ${picture.width} x ${picture.height} pixels, ${paths[reference]} is ${width} x ${height}: choose one size for all with --size`,
      )
    images.set(picture.planes, i * size)
  })

  const isSkipped = new Set(skipped)
  if (isSkipped.size === 0) return { height, width, images, skipped }
  let kept = 0
  for (let i = 0; i < paths.length; i++)
    if (!isSkipped.has(i)) images.copyWithin(kept++ * size, i * size, (i + 1) * size)
  return { height, width, images: images.subarray(0, kept * size), skipped: skipped.sort((a, b) => a - b) }
}

/**
 * Runs `work` for from .. to-1, started in order, with a few in flight at a time. After a failure nothing new
 * is started, and what is in flight ends; then the failure of the smallest number is thrown.
 */
async function inParallel(from: number, to: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = from
  const failures: { at: number; error: unknown }[] = []
  const worker = async () => {
    while (next < to && failures.length === 0) {
      const at = next++
      await work(at).catch((error) => failures.push({ at, error }))
    }
  }
  await Promise.all(Array.from({ length: Math.max(4, 2 * availableParallelism()) }, worker))
  const [first] = failures.sort((a, b) => a.at - b.at)
  if (first) throw first.error
}

function allocate(what: string, count: number, height: number, width: number): Uint8Array {
  const bytes = count * 3 * height * width
  try {
    if (bytes <= Math.min(constants.MAX_LENGTH, totalmem())) return new Uint8Array(bytes)
  } catch {} // less than that is free
  throw new UserError(
    `${what}: ${count} images of ${width} x ${height} pixels need ${(bytes / 1e9).toFixed(1)} GB, more than fits into memory: choose a smaller --size`,
  )
}
