/** @file Random images, and how far two results are apart. */
import type { Model } from '../../../src/models/model.ts'
import { random } from '../../../src/util/random.ts'

export function randomImages({ image }: Model, batch: number): { images: Float32Array; shape: number[] } {
  const shape = [batch, ...image]
  const draw = random(3, 'images')
  const size = shape.reduce((product, n) => product * n, 1)
  return { shape, images: Float32Array.from({ length: size }, () => draw.normal()) }
}

/** max |a - b| / max |b|, or max |a| where b is all zeros. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  const largest = Array.from(b).reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0) / (largest || 1)
}
