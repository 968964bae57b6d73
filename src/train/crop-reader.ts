/**
 * @file Batches of random resized crops (src/data/resized-crop.ts): the photographs of a step are read from
 * their files, cropped and resized before it. A crop depends on the seed, the epoch and the sample alone.
 */
import type { SampleSet, Samples } from '../data/dataset.ts'
import { resampled } from '../data/resample.ts'
import { drawCrop } from '../data/resized-crop.ts'
import type { Executable } from '../engine/compile.ts'
import { UserError } from '../util/errors.ts'

/** The name of the part that batches of crops are, in the place of `train`. */
export const CROPS = 'crops'

export class CropReader {
  readonly #data: Pick<SampleSet, 'image'>
  readonly #labels: NonNullable<Samples['labels']>
  readonly #read: NonNullable<Samples['photographs']>

  /** Throws UserError where the data set has no photographs. */
  constructor({ name, image, train }: SampleSet) {
    if (!train.photographs || !train.labels)
      throw new UserError(
        `augment: resized-crop needs a folder of image files, found ${name} without labelled photographs`,
      )
    this.#data = { image }
    this.#labels = train.labels
    this.#read = train.photographs
  }

  /** Writes the crops of these samples, and their labels, where the next step reads them. */
  async load(
    executable: Executable,
    samples: ArrayLike<number>,
    { seed, epoch }: { seed: number; epoch: number },
  ): Promise<void> {
    const [channels, height, width] = this.#data.image
    const crops = await Promise.all(
      Array.from(samples, async (sample) => {
        const photograph = await this.#read(sample)
        const { flip, ...box } = drawCrop(seed, epoch, sample, photograph.height, photograph.width)
        const planes = resampled(photograph, box, height, width, channels)
        return flip ? flipped(planes, width) : planes
      }),
    )
    const images = executable.bytes(`${CROPS}.images`)
    const labels = executable.view(`${CROPS}.labels`)
    crops.forEach((planes, i) => {
      images.set(planes, i * planes.length)
      labels[i] = this.#labels[samples[i]]
    })
  }
}

/** Left to right, in place. */
function flipped(planes: Uint8Array, width: number): Uint8Array {
  for (let at = 0; at < planes.length; at += width) planes.subarray(at, at + width).reverse()
  return planes
}
