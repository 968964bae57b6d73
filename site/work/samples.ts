/** @file What a network is pruned and judged on: digits, images or arrays of one's own, random inputs. */

import { ARRAY_FILES, isArrayFile, parseArrayFile } from '../../src/data/arrays/array-bytes.ts'
import { ArrayReader, arraySet } from '../../src/data/arrays/array-set.ts'
import { elements } from '../../src/data/arrays/number-array.ts'
import type { Normalization, SampleSet, Samples } from '../../src/data/dataset.ts'
import { findNormalization } from '../../src/data/normalization.ts'
import { splitOf } from '../../src/data/split.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { classesOf, type Model } from '../../src/models/model.ts'
import { statedPreprocessing } from '../../src/train/preprocessing.ts'
import { UserError } from '../../src/util/errors.ts'
import { type Random, random } from '../../src/util/random.ts'
import { mnist } from './mnist.ts'
import type { Opened } from './opened.ts'

export type SampleKind = 'random' | 'digits' | 'images' | 'arrays'

export interface AskedSamples {
  kind: SampleKind
  /** Of images and arrays. */
  files?: readonly File[]
  /** The name of the constants by which their pixels become inputs; absent: those that the file states. */
  normalization?: string
}

/** The kinds of samples that a network takes. */
export function kindsOf({ model }: Opened): SampleKind[] {
  if (!model) return []
  return [
    'random',
    ...(isDigits(model) ? (['digits'] as const) : []),
    ...(takesImages(model) ? (['images'] as const) : []),
    ...(model.vocabulary ? [] : (['arrays'] as const)),
  ]
}

/** Whether samples can be pictures, gray or coloured. */
export const takesImages = ({ image: [channels, height, width], vocabulary }: Model): boolean =>
  (channels === 1 || channels === 3) && height > 1 && width > 1 && !vocabulary

export const isDigits = ({ image, classes, outputs }: Model) =>
  String(image) === '1,28,28' && classes === 10 && !outputs

/** Throws UserError where files are no images. */
export async function samplesFor(opened: Opened, asked: AskedSamples): Promise<SampleSet> {
  if (asked.kind === 'digits') return mnist()
  if (asked.kind === 'images') return images(opened, asked)
  if (asked.kind === 'arrays') return arrays(opened, asked)
  const model = opened.model!
  const some = randomInputs(model)
  return { name: 'random inputs', image: model.image, mean: [0], std: [1], floats: true, train: some, test: some }
}

/** Training samples that what is measured again and again takes in a page: one thread has to do it. */
const FEW = 1000

/** The set with the first of its training samples alone. */
export function withFew(data: SampleSet): SampleSet {
  const { count, images, labels, ...rest } = data.train
  if (count <= FEW) return data
  const train = { ...rest, count: FEW, images: images.subarray(0, FEW * sizeOf(data.image)) }
  return { ...data, train: { ...train, ...(labels && { labels: labels.subarray(0, FEW) }) } }
}

/** Values of all random inputs together, at most; and how many there are. */
const MOST_VALUES = 2e6
const RANDOM = { least: 8, most: 64 }

/** From N(0, 1), or whole numbers that an input takes. */
function randomInputs(model: Model): Samples {
  const size = sizeOf(model.image)
  const count = Math.max(RANDOM.least, Math.min(RANDOM.most, Math.floor(MOST_VALUES / size)))
  const draw = random(0, 'random inputs')
  const images = new Float32Array(count * size)
  const parts = model.inputs ?? [{ name: 'images', shape: model.image }]
  for (let at = 0; at < images.length; )
    for (const part of parts) for (let i = sizeOf(part.shape); i > 0; i--) images[at++] = drawn(part, draw)
  return { count, images }
}

function drawn({ whole, range }: NonNullable<Model['inputs']>[number], draw: Random): number {
  if (range) return range.least + draw.below(Math.min(range.most - range.least + 1, 2 ** 31))
  return whole ? draw.below(2) : draw.normal()
}

/** What makes inputs of the pixels of a network's images, and whether its file says so. */
export interface FoundNormalization extends Normalization {
  /** The name of the constants that are taken since the file says nothing: a guess. */
  guessed?: string
}

/** Those that its file states, else the usual ones of such images. */
export function normalizationOf({ version, name, model }: Opened): FoundNormalization {
  const [channels, height] = model!.image
  const { normalization } = statedPreprocessing(version.weights.metadata, name, channels)
  if (normalization) return normalization
  const guessed = channels === 1 ? 'mnist' : height > 64 ? 'imagenet' : 'cifar10'
  return { ...findNormalization(guessed, channels), guessed }
}

/** The constants that are asked for by their name, else those of the network. */
export function constantsFor(opened: Opened, asked: string | undefined): FoundNormalization {
  return asked ? findNormalization(asked, opened.model!.image[0]) : normalizationOf(opened)
}

/** A sentence where images are made inputs by a guess. */
export const guessSentence = (guessed: string, { mean, std }: Normalization): string =>
  `The file says nothing of mean and deviation of pixels: those of ${guessed} (${mean.join(', ')} and ${std.join(', ')}) are a guess, and where they are wrong, so is what is measured.`

async function images(opened: Opened, { files = [], normalization }: AskedSamples): Promise<SampleSet> {
  if (files.length === 0) throw new UserError('images: expected one or more image files, found none')
  const { image } = opened.model!
  const size = sizeOf(image)
  const pixels = new Uint8Array(files.length * size)
  for (const [i, file] of files.entries()) pixels.set(planesOf(await pictureOf(file, image), image), i * size)
  const { guessed, ...constants } = constantsFor(opened, normalization)
  const some = { count: files.length, images: pixels }
  const notes = guessed ? [guessSentence(guessed, constants)] : []
  return { name: 'images', image, ...constants, train: some, test: some, notes }
}

async function arrays({ model, name }: Opened, { files = [] }: AskedSamples): Promise<SampleSet> {
  if (files.length === 0) throw new UserError('arrays: expected one or more files of arrays, found none')
  const { image, inputs, outputs } = model!
  const options = {
    inputs: inputs ?? [{ name: 'images', shape: image }],
    image,
    network: name,
    classes: outputs ? undefined : classesOf(model!),
  }
  const sources: { path: string; bytes: Uint8Array }[] = []
  for (const file of files) {
    if (!isArrayFile(file.name)) throw new UserError(`${file.name}: expected a name that ends in ${ARRAY_FILES}`)
    sources.push({ path: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })
  }
  sources.sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }))
  const place = files.length === 1 ? files[0].name : 'the files of arrays'
  const reader = new ArrayReader(options)
  const readers = sources.map(({ path, bytes }) => ({ path, read: () => parseArrayFile(bytes, path) }))
  const { note, ...parts } = splitOf(await reader.read(readers, place), elements(image))
  return arraySet({ ...parts, notes: [note, ...reader.notes] }, place, 'arrays', options)
}

/** The middle of an image, in the proportions that a network takes. Throws UserError where it is none. */
export async function pictureOf(file: Blob | ImageBitmap, [, height, width]: Model['image']): Promise<ImageData> {
  const bitmap = file instanceof Blob ? await decoded(file) : file
  const scale = Math.max(width / bitmap.width, height / bitmap.height)
  const [w, h] = [bitmap.width * scale, bitmap.height * scale]
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h)
  bitmap.close()
  return context.getImageData(0, 0, width, height)
}

function decoded(file: Blob): Promise<ImageBitmap> {
  const called = file instanceof File ? file.name : 'an image'
  return createImageBitmap(file).catch(() => {
    throw new UserError(`${called} is no image that this browser can decode`)
  })
}

/** The picture as planes of bytes, one for each channel. */
export function planesOf({ data }: ImageData, [channels, height, width]: Model['image']): Uint8Array {
  const found = new Uint8Array(channels * height * width)
  for (let i = 0; i < height * width; i++) {
    const [r, g, b] = [data[4 * i], data[4 * i + 1], data[4 * i + 2]]
    if (channels === 1) found[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b)
    else [found[i], found[height * width + i], found[2 * height * width + i]] = [r, g, b]
  }
  return found
}
