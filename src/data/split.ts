/**
 * @file Training and test samples of a collection that says nothing of them: every fifth is one of the test.
 */
import { grouped } from '../util/format.ts'
import type { Samples } from './dataset.ts'

const EVERY = 5

/**
 * The samples in two parts, without change of order, and what was done in words. A single sample is in both.
 * `size` is the number of values of one.
 */
export function splitOf<S extends Samples>(samples: S, size: number): { train: S; test: S; note: string } {
  const { count } = samples
  if (count === 1) return { train: samples, test: samples, note: 'the only sample is also the test' }
  const every = Math.min(EVERY, count)
  const isTest = (n: number) => n % every === every - 1
  const all = Array.from({ length: count }, (_, n) => n)
  const [train, test] = [all.filter((n) => !isTest(n)), all.filter(isTest)]
  const note = `of every ${every} samples the last one is one of the test: ${grouped(test.length)} of ${grouped(count)}`
  return { train: chosen(samples, train, size), test: chosen(samples, test, size), note }
}

/** Some of the samples, by their places. `size` is the number of values of one. */
export function chosen<S extends Samples>(samples: S, places: readonly number[], size: number): S {
  const { images, labels, targets, files } = samples
  const some =
    images instanceof Float32Array ? new Float32Array(places.length * size) : new Uint8Array(places.length * size)
  places.forEach((place, i) => void some.set(images.subarray(place * size, (place + 1) * size), i * size))
  const own = labels?.slice(0, places.length)
  places.forEach((place, i) => {
    if (own) own[i] = labels![place]
  })
  return {
    ...samples,
    count: places.length,
    images: some,
    ...(own && { labels: own }),
    ...(targets && { targets: rowsOf(targets, places) }),
    ...(files && { files: places.map((place) => files[place]) }),
  }
}

function rowsOf({ shape: [count, ...rest], values }: NonNullable<Samples['targets']>, places: readonly number[]) {
  const size = values.length / count
  const rows = new Float32Array(places.length * size)
  places.forEach((place, i) => void rows.set(values.subarray(place * size, (place + 1) * size), i * size))
  return { shape: [places.length, ...rest], values: rows }
}
