/**
 * @file Loads a folder of JPEG, PNG and WebP files in ImageNet's layout as a data set. Decoding is slow (a
 * millisecond of one processor for the smallest image), so the result is kept in the cache folder.
 */
import { createHash } from 'node:crypto'
import { basename, join, relative, resolve } from 'node:path'
import { fileProblem, UserError } from '../util/errors.ts'
import { type ClassFolders, scanClassFolders } from './class-folders.ts'
import { type Dataset, labelArray, type Split } from './dataset.ts'
import { imageDecoder, pixelReader } from './decode-image.ts'
import { type DecodeOptions, decodeImages } from './decode-images.ts'
import { cacheFolder } from './folders.ts'
import type { Geometry } from './geometry.ts'
import { geometryOf } from './geometry.ts'
import { type CachedImages, readImageCache, writeImageCache } from './image-cache.ts'
import { findNormalization } from './normalization.ts'

export interface ImageFolderOptions extends Geometry, DecodeOptions {
  /** The name of the constants that inputs are normalized with. Default `imagenet`. */
  normalization?: string
  /** As in {@link LoadOptions}. */
  photographs?: 'beside' | 'only'
  /** The size and crop that are used where neither is given. Default: images keep their size. */
  usual?: Geometry
}

/**
 * Loads `train/<class>/*` and `test/<class>/*` (or `val/`). Throws UserError where the folder has another
 * layout, a size is none, or an image cannot be decoded or has another size than the first.
 */
export async function loadImageFolder(
  folder: string,
  name: string,
  options: ImageFolderOptions = {},
): Promise<Dataset> {
  const { skipCorrupt = false, normalization = 'imagenet', onProgress, photographs } = options
  const geometry = geometryOf(options)
  const constants = findNormalization(normalization, 3)
  // There is one cache file for each folder and way of decoding; it is replaced when images change.
  const only = photographs === 'only'
  const key = digest(JSON.stringify([resolve(folder), ...keyOf(geometry), skipCorrupt, ...(only ? ['test'] : [])]))
  const path = join(cacheFolder(), 'images', `${basename(resolve(folder))}-${key.slice(0, 16)}.bin`)
  const files = scanClassFolders(folder)
  const fingerprint = digest(`${key} ${files.fingerprint}`)
  let loaded = readImageCache(path, fingerprint)
  if (!loaded) {
    loaded = {
      fingerprint,
      ...(await decodeFolder(folder, only ? testOf(files) : files, { ...geometry, skipCorrupt, onProgress })),
    }
    try {
      writeImageCache(path, loaded)
    } catch (error) {
      process.emitWarning(`decoded images could not be kept for the next time: ${fileProblem(error)}`)
    }
  }
  const { classNames, image, trainCount, images, labels, skipped } = loaded
  const values = trainCount * image[0] * image[1] * image[2]
  return {
    name,
    classes: classNames.length,
    classNames,
    image,
    ...constants,
    train: {
      ...(only ? labelled(files) : { count: trainCount, labels: labels.subarray(0, trainCount) }),
      images: images.subarray(0, values),
      ...(photographs && { photographs: await photographsOf(folder, files, skipped) }),
    },
    test: {
      count: loaded.testCount,
      images: images.subarray(values),
      labels: labels.subarray(trainCount),
      files: keptOf(folder, files.test, skipped),
    },
    ...(files.notes.length > 0 && { notes: files.notes }),
    ...(Object.keys(geometry).length > 0 && { geometry }),
    ...(skipped.length > 0 && { skipped }),
  }
}

/** What of a geometry tells decoded images apart. */
const keyOf = ({ size, crop, plane, fit }: Geometry): unknown[] => [size, crop, ...(plane ? [plane, fit] : [])]

/** Without training images, which stay in their files. */
const testOf = (files: ClassFolders): ClassFolders => ({ ...files, train: [] })

/** The training images of a folder as it is. */
function labelled({ train, classNames }: ClassFolders): Pick<Split, 'count' | 'labels'> {
  const labels = labelArray(classNames.length, train.length)
  labels.set(train.map(({ label }) => label))
  return { count: train.length, labels }
}

/** The images that were not left out, relative to the folder. */
function keptOf(folder: string, files: ClassFolders['test'], skipped: readonly string[]): string[] {
  const left = new Set(skipped)
  return files.map(({ path }) => relative(folder, path)).filter((name) => !left.has(name))
}

/** Reads training images in their own size, but for those that were left out. */
async function photographsOf(
  folder: string,
  { train }: ClassFolders,
  skipped: readonly string[],
): Promise<NonNullable<Split['photographs']>> {
  const paths = keptOf(folder, train, skipped).map((name) => join(folder, name))
  const read = await pixelReader()
  return (sample) => read(paths[sample])
}

async function decodeFolder(
  folder: string,
  { classNames, train, test }: ClassFolders,
  options: Geometry & DecodeOptions,
): Promise<Omit<CachedImages, 'fingerprint'>> {
  const files = [...train, ...test]
  const paths = files.map(({ path }) => path)
  const { height, width, images, skipped } = await decodeImages(folder, paths, await imageDecoder(options), options)
  const isSkipped = new Set(skipped)
  const kept = files.flatMap(({ label }, i) => (isSkipped.has(i) ? [] : [label]))
  const labels = labelArray(classNames.length, kept.length)
  labels.set(kept)
  const trainCount = train.length - skipped.filter((i) => i < train.length).length
  const testCount = kept.length - trainCount
  for (const [part, count] of Object.entries({ training: trainCount, test: testCount }))
    if (count === 0 && (part === 'test' || train.length > 0))
      throw new UserError(`${folder}: none of its ${part} images can be decoded`)
  return {
    classNames,
    image: [3, height, width],
    trainCount,
    testCount,
    labels,
    images,
    skipped: skipped.map((i) => relative(folder, paths[i])),
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex')
