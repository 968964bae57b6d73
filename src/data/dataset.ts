/**
 * @file What a data set is: samples, images as bytes or arrays as floats, and where it has them labels as
 * class indices, in a training and a test part.
 */
import { apportion } from '../select/apportion.ts'
import { checkWhole } from '../util/checks.ts'
import { random } from '../util/random.ts'
import type { Geometry } from './geometry.ts'
import type { Pixels } from './resample.ts'

export type Labels = Uint8Array | Uint16Array

/** A part of a data set of any kind. */
export interface Samples {
  count: number
  /**
   * [count, C, H, W]: one byte per value, or floats that a network takes as they are; empty where images are
   * read from {@link photographs} alone.
   */
  images: Uint8Array | Float32Array
  /** Reads an image as its file has it, in its own size. Absent: there are no files. Throws UserError. */
  photographs?: (sample: number) => Promise<Pixels>
  /** [count], 0 .. classes-1. Absent: nobody says what a network should make of the samples. */
  labels?: Labels
  /** What else the files say of every sample, [count, ...], row-major: what a measure of one's own takes. */
  targets?: { shape: readonly number[]; values: Float32Array }
  /** The files of the samples, relative to their folder. Absent: they have none of their own. */
  files?: readonly string[]
}

/** A part of a data set of labelled images. */
export interface Split extends Samples {
  images: Uint8Array
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

/** Samples in two parts, with or without labels. */
export interface SampleSet extends Normalization {
  name: string
  /** Absent: the samples have no labels. */
  classes?: number
  /** The names of the classes in the order of their labels, where the files say them. */
  classNames?: readonly string[]
  /** The shape [C, H, W] of an image. */
  image: readonly [number, number, number]
  /** Where mean and std come from. Absent: from the data set itself. */
  origin?: Origin
  train: Samples
  test: Samples
  /** Whether samples are floats, which are taken without mean and std. Absent: they are bytes. */
  floats?: true
  /** What was made of the files without being asked for, in words. */
  notes?: readonly string[]
  /** How the image files were resized and cropped; absent where they were not. */
  geometry?: Geometry
  /** Files that were left out because they cannot be decoded. */
  skipped?: readonly string[]
}

/** Labelled images. */
export interface Dataset extends SampleSet {
  classes: number
  train: Split
  test: Split
}

/** Labelled samples, images or arrays. */
export interface LabelledSet extends SampleSet {
  classes: number
  train: Samples & { labels: Labels }
  test: Samples & { labels: Labels }
}

/** Whether samples have labels in both parts. */
export const hasLabels = (data: SampleSet): data is LabelledSet =>
  data.classes !== undefined && [data.train, data.test].every(({ labels }) => labels !== undefined)

/** Whether samples are images with labels. */
export const isLabelled = (data: SampleSet): data is Dataset =>
  data.classes !== undefined &&
  [data.train, data.test].every(({ images, labels }) => images instanceof Uint8Array && labels !== undefined)

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
