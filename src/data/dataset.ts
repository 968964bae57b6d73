/**
 * @file What a data set is: images as bytes and labels as class indices, in a training and a test part.
 */
import { apportion } from '../select/apportion.ts'
import { checkWhole } from '../util/checks.ts'
import { random } from '../util/random.ts'
import type { Geometry } from './decode-image.ts'
import type { Pixels } from './resample.ts'

export type Labels = Uint8Array | Uint16Array

export interface Split {
  count: number
  /** [count, C, H, W], one byte per value; empty where images are read from {@link photographs} alone. */
  images: Uint8Array
  /** Reads an image as its file has it, in its own size. Absent: there are no files. Throws UserError. */
  photographs?: (sample: number) => Promise<Pixels>
  /** [count], 0 .. classes-1. */
  labels: Labels
}

/** The constants by which pixels become inputs: (pixel / 255 - mean) / std. */
export interface Normalization {
  /** The mean of each channel, of pixels scaled to 0..1. */
  mean: readonly number[]
  /** The standard deviation of each channel, likewise. */
  std: readonly number[]
}

/**
 * Where mean and std come from, in words: `of the data set`, `given`, `measured on ...` or, where nobody said
 * them, `guessed: ...`.
 */
export interface Origin {
  mean: string
  std: string
}

export interface Dataset extends Normalization {
  name: string
  classes: number
  /** The names of the classes in the order of their labels, where the files say them. */
  classNames?: readonly string[]
  /** The shape [C, H, W] of an image. */
  image: readonly [number, number, number]
  /** Where mean and std come from. Absent: from the data set itself. */
  origin?: Origin
  train: Split
  test: Split
  /** How the image files were resized and cropped; absent where they were not. */
  geometry?: Geometry
  /** Files that were left out because they cannot be decoded. */
  skipped?: readonly string[]
}

export interface Indices {
  /** Training samples that are trained on. */
  train: Uint32Array
  /** Training samples that are held out. */
  validation: Uint32Array
}

/** An array for labels 0 .. classes-1: each takes a byte, or two where there are more than 256 classes. */
export const labelArray = (classes: number, count: number): Labels =>
  classes <= 256 ? new Uint8Array(count) : new Uint16Array(count)

/**
 * Holds out `validation` of `count` training samples, chosen by seed. Both parts are in ascending order. With
 * `stratifyBy`, the label of every sample, each class gives the same share of its samples; the total is
 * exact, and what rounding leaves goes to the largest remainders.
 */
export function holdOut(count: number, validation: number, seed: number, stratifyBy?: ArrayLike<number>): Indices {
  checkWhole('count', count ?? null, 0)
  checkWhole('validation', validation ?? null, 0, count)
  const order = random(seed, 'validation split').permutation(count)
  if (!stratifyBy) return { validation: order.slice(0, validation).sort(), train: order.slice(validation).sort() }
  const sizes: number[] = []
  for (let i = 0; i < count; i++) sizes[stratifyBy[i]] = (sizes[stratifyBy[i]] ?? 0) + 1
  const perClass = Array.from(sizes, (size) => size ?? 0)
  const quotas = apportion(validation, perClass, perClass)
  const isHeldOut = new Uint8Array(count)
  for (const i of order) if (quotas[stratifyBy[i]]-- > 0) isHeldOut[i] = 1
  const samples = order.sort()
  return { validation: samples.filter((i) => isHeldOut[i] === 1), train: samples.filter((i) => isHeldOut[i] === 0) }
}
