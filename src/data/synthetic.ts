/**
 * @file A procedural data set for dry runs and tests: every class is a fixed random pattern, every image its
 * class's pattern under noise. Nothing is read from disk.
 */
import { random } from '../util/random.ts'
import type { Dataset, Split } from './dataset.ts'

export interface SyntheticOptions {
  train?: number
  test?: number
  classes?: number
  image?: readonly [number, number, number]
  /** Share of an image's bytes that is noise, 0 to 1: how hard it is. Default 0.5. */
  noise?: number
  seed?: number
}

export function synthetic(options: SyntheticOptions = {}): Dataset {
  const { train = 2000, test = 500, classes = 10, image = [1, 28, 28], noise = 0.5, seed = 0 } = options
  const pixels = image[0] * image[1] * image[2]
  const draw = random(seed, 'synthetic patterns')
  const patterns = Uint8Array.from({ length: classes * pixels }, () => draw.below(256))
  const split = (part: string, count: number): Split => {
    const noisy = random(seed, 'synthetic', part)
    const labels = Uint8Array.from({ length: count }, (_, i) => i % classes)
    const images = Uint8Array.from({ length: count * pixels }, (_, i) => {
      const label = labels[Math.floor(i / pixels)]
      return noisy.uniform() < noise ? noisy.below(256) : patterns[label * pixels + (i % pixels)]
    })
    return { count, images, labels }
  }
  const channels = Array.from({ length: image[0] })
  return {
    ...{ name: 'synthetic', classes, image, mean: channels.map(() => 0.5), std: channels.map(() => 0.29) },
    ...{ train: split('train', train), test: split('test', test) },
  }
}
