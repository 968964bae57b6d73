/** @file Samples that a network is pruned and judged on: digits, images of one's own, or random inputs. */
import type { Normalization, SampleSet, Samples } from '../../src/data/dataset.ts'
import { findNormalization } from '../../src/data/normalization.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import type { Model } from '../../src/models/model.ts'
import { statedPreprocessing } from '../../src/train/preprocessing.ts'
import { UserError } from '../../src/util/errors.ts'
import { type Random, random } from '../../src/util/random.ts'
import { mnist } from './mnist.ts'
import type { Opened } from './opened.ts'

export type SampleKind = 'random' | 'digits' | 'images'

export interface AskedSamples {
  kind: SampleKind
  /** Of images. */
  files?: readonly Blob[]
  /** The name of the constants by which their pixels become inputs; absent: those that the file states. */
  normalization?: string
}

/** The kinds of samples that a network takes. */
export function kindsOf({ model }: Opened): SampleKind[] {
  if (!model) return []
  const [channels, height, width] = model.image
  const images = (channels === 1 || channels === 3) && height > 1 && width > 1 && !model.vocabulary
  return ['random', ...(isDigits(model) ? (['digits'] as const) : []), ...(images ? (['images'] as const) : [])]
}

const isDigits = ({ image, classes, outputs }: Model) => String(image) === '1,28,28' && classes === 10 && !outputs

/** Throws UserError where files are no images. */
export async function samplesFor(opened: Opened, asked: AskedSamples): Promise<SampleSet> {
  if (asked.kind === 'digits') return mnist()
  if (asked.kind === 'images') return images(opened, asked)
  const model = opened.model!
  const some = randomInputs(model)
  return { name: 'random inputs', image: model.image, mean: [0], std: [1], floats: true, train: some, test: some }
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

/** The constants of a network's images: those that its file states, else the usual ones of such images. */
export function normalizationOf({ version, name, model }: Opened): Normalization {
  const [channels, height] = model!.image
  const { normalization } = statedPreprocessing(version.weights.metadata, name, channels)
  return normalization ?? findNormalization(channels === 1 ? 'mnist' : height > 64 ? 'imagenet' : 'cifar10', channels)
}

async function images(opened: Opened, { files = [], normalization }: AskedSamples): Promise<SampleSet> {
  if (files.length === 0) throw new UserError('images: expected one or more image files, found none')
  const { image } = opened.model!
  const size = sizeOf(image)
  const pixels = new Uint8Array(files.length * size)
  for (const [i, file] of files.entries()) pixels.set(await planes(file, image), i * size)
  const constants = normalization ? findNormalization(normalization, image[0]) : normalizationOf(opened)
  const some = { count: files.length, images: pixels }
  return { name: 'images', image, ...constants, train: some, test: some }
}

/** An image as planes of bytes: its middle, in the proportions that the network takes. */
async function planes(file: Blob, [channels, height, width]: Model['image']): Promise<Uint8Array> {
  const called = file instanceof File ? file.name : 'an image'
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new UserError(`${called} is no image that this browser can decode`)
  })
  const scale = Math.max(width / bitmap.width, height / bitmap.height)
  const [w, h] = [bitmap.width * scale, bitmap.height * scale]
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h)
  bitmap.close()
  const { data } = context.getImageData(0, 0, width, height)
  const found = new Uint8Array(channels * height * width)
  for (let i = 0; i < height * width; i++) {
    const [r, g, b] = [data[4 * i], data[4 * i + 1], data[4 * i + 2]]
    if (channels === 1) found[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b)
    else [found[i], found[height * width + i], found[2 * height * width + i]] = [r, g, b]
  }
  return found
}
