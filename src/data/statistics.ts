/**
 * @file Statistics of a data set: mean and deviation of its pixels, and how many samples its classes have.
 */
import type { Normalization, SampleSet, Samples, Split } from './dataset.ts'

/** Measures mean and standard deviation per channel of pixels scaled to 0..1; exact up to rounding. */
export function measureChannels(
  { images, count }: Samples,
  [channels, height, width]: SampleSet['image'],
): Normalization {
  const plane = height * width
  const moments = Array.from({ length: channels }, (_, c) => {
    const histogram = new Float64Array(256)
    for (let n = 0; n < count; n++) {
      const from = (n * channels + c) * plane
      for (let i = from; i < from + plane; i++) histogram[images[i]]++
    }
    const total = count * plane
    const mean = histogram.reduce((sum, times, value) => sum + times * value, 0) / total
    const variance = histogram.reduce((sum, times, value) => sum + times * (value - mean) ** 2, 0) / total
    return { mean: mean / 255, std: Math.sqrt(variance) / 255 }
  })
  return { mean: moments.map(({ mean }) => mean), std: moments.map(({ std }) => std) }
}

/** How many samples each class has. */
export function countClasses({ labels }: Split, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const label of labels) counts[label]++
  return counts
}
