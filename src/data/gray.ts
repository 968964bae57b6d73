/**
 * @file Image files for networks of one channel: decoded to three planes, which have to be equal, and of
 * which one is left.
 */
import { UserError } from '../util/errors.ts'
import type { Dataset, Split } from './dataset.ts'
import { findNormalization } from './normalization.ts'

/** The constants of inputs of one channel that nobody said: those of handwritten digits. */
export const GRAY = 'mnist'

/**
 * The data set with one channel, and inputs by the constants of that name. Throws UserError where an image
 * is in colour, or the constants are for other channels.
 */
export function grayOf(data: Dataset, normalization = GRAY): Dataset {
  const [, height, width] = data.image
  const one = (split: Split, part: string): Split => ({ ...split, images: onePlane(split, height * width, data, part) })
  return {
    ...data,
    image: [1, height, width],
    ...findNormalization(normalization, 1),
    train: one(data.train, 'training'),
    test: one(data.test, 'test'),
  }
}

function onePlane({ count, images }: Split, plane: number, { name }: Dataset, part: string): Uint8Array {
  const gray = new Uint8Array(count * plane)
  for (let n = 0; n < count; n++) {
    const [first, second, third] = [0, 1, 2].map((c) => images.subarray((3 * n + c) * plane, (3 * n + c + 1) * plane))
    if (Buffer.compare(first, second) !== 0 || Buffer.compare(first, third) !== 0)
      throw new UserError(
        `${name}: ${part} image ${n + 1} of ${count} is in colour, expected gray images for a network of one channel`,
      )
    gray.set(first, n * plane)
  }
  return gray
}
