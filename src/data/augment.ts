/**
 * @file Random crops and flips of training images (random resized crops: resized-crop.ts). This only draws
 * them; reading a batch applies them before normalization, so that what a zero padding adds is black.
 *
 * Pixel [row, column] of the augmented image is pixel [row + dy - pad, k + dx - pad] of the original, where k
 * = column, or width - 1 - column of a flipped image: the padded image is cropped, then the crop is flipped.
 */
import { UserError } from '../util/errors.ts'
import { random } from '../util/random.ts'
import { suggestion } from '../util/suggest.ts'

export interface Augmentation {
  /** Pixels that are added on each side before a crop of the original size. */
  pad: number
  /**
   * What the added pixels are: black, or the image reflected without repeating its edge (pixel -1 is pixel 1,
   * as in numpy's `reflect`).
   */
  fill: 'zero' | 'reflect'
  /** Whether half of the images are flipped left to right. */
  flip: boolean
  /**
   * Whether every image is a part of its photograph instead, resized: see resized-crop.ts. Only folders of
   * image files have photographs. Default false.
   */
  resizedCrop?: boolean
}

export const augmentations: Record<string, Augmentation & { summary: string }> = {
  none: { summary: 'images as they are', pad: 0, fill: 'zero', flip: false },
  flip: { summary: 'half of the images flipped', pad: 0, fill: 'zero', flip: true },
  cifar: { summary: '4 black pixels on each side, random crop, half flipped', pad: 4, fill: 'zero', flip: true },
  'cifar-reflect': {
    summary: '4 reflected pixels on each side, random crop, half flipped (DSR)',
    pad: 4,
    fill: 'reflect',
    flip: true,
  },
  'resized-crop': {
    summary: 'folders of images: parts of 8 to 100 % of the area, resized, half flipped (ImageNet)',
    pad: 0,
    fill: 'zero',
    flip: true,
    resizedCrop: true,
  },
}

/** The augmentation of that name. Throws UserError where there is none. */
export function findAugmentation(name: string): Augmentation {
  if (Object.hasOwn(augmentations, name)) return augmentations[name]
  throw new UserError(`there is no augmentation named ${name}${suggestion(name, Object.keys(augmentations))}`)
}

/** How many numbers are drawn for a sample. */
const DRAWS = 3

/**
 * Draws (dy, dx, flip) for each of N samples into an array [N, 3]: dy and dx are whole numbers 0 .. 2 pad,
 * flip is 0 or 1. A sample's numbers depend on seed, epoch and its index alone, not on the batch that it is
 * in. They are written into `out` where it is given.
 */
export function drawAugmentation(
  { pad, flip }: Pick<Augmentation, 'pad' | 'flip'>,
  seed: number,
  epoch: number,
  samples: ArrayLike<number>,
  out: Float32Array = new Float32Array(DRAWS * samples.length),
): Float32Array {
  const key = random(seed, 'augmentation', epoch)
  const [first, second] = [key.bits(), key.bits()]
  const offsets = 2 * pad + 1
  const fold = flip ? 2 : 1
  for (let i = 0; i < samples.length; i++) {
    const counter = DRAWS * samples[i]
    out[DRAWS * i] = scaled(counter, first, second, offsets)
    out[DRAWS * i + 1] = scaled(counter + 1, first, second, offsets)
    out[DRAWS * i + 2] = scaled(counter + 2, first, second, fold)
  }
  return out
}

/** A whole number in [0, n) from a hash of the counter under two keys; its bias is below n / 2^32. */
function scaled(counter: number, first: number, second: number, n: number): number {
  const bits = mix((mix(counter ^ first) + second) | 0) >>> 0
  return Math.floor((bits * n) / 4294967296)
}

/**
 * A bijection of 32 bits in which every input bit reaches every output bit (the finalizer that also seeds
 * util/random).
 */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return x ^ (x >>> 15)
}
