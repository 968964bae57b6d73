/**
 * @file What a data set is: images as bytes and labels as class indices, in a training and a test part.
 */
import { random } from '../util/random.ts'

export interface Split {
  count: number
  /** [count, C, H, W], one byte per value. */
  images: Uint8Array
  /** [count], 0 .. classes-1. */
  labels: Uint8Array
}

export interface Dataset {
  name: string
  classes: number
  /** [C, H, W]. */
  image: readonly [number, number, number]
  /** Per channel, of pixels scaled to 0..1: inputs are (pixel - mean) / std. */
  mean: readonly number[]
  std: readonly number[]
  train: Split
  test: Split
}

export interface Indices {
  /** Training samples that are trained on. */
  train: Uint32Array
  /** Training samples that are held out. */
  validation: Uint32Array
}

/** Holds out `validation` of `count` training samples, chosen by seed. Both parts are in ascending order. */
export function holdOut(count: number, validation: number, seed: number): Indices {
  const order = random(seed, 'validation split').permutation(count)
  return { validation: order.slice(0, validation).sort(), train: order.slice(validation).sort() }
}
