/**
 * @file Image files for networks of one channel: decoded to three planes, which have to be equal unless gray
 * is asked for, and of which one is left.
 */
import { UserError } from '../util/errors.ts'
import type { SampleSet, Samples } from './dataset.ts'
import { findNormalization } from './normalization.ts'

/** The constants of inputs of one channel that nobody said: those of handwritten digits. */
export const GRAY = 'mnist'

/**
 * The data set with one channel, and inputs by the constants of that name; colours become gray where
 * `convert` is true. Throws UserError where an image is in colour otherwise, or the constants are for other
 * channels.
 */
export function grayOf<D extends SampleSet>(data: D, normalization = GRAY, convert = false): D {
  const [, height, width] = data.image
  const one = (split: Samples, part: string): Samples => ({
    ...split,
    images: onePlane(split, height * width, data, convert ? undefined : part),
  })
  return {
    ...data,
    image: [1, height, width],
    ...findNormalization(normalization, 1),
    train: one(data.train, 'training'),
    test: one(data.test, 'test'),
  }
}

/** `part`: what messages call the samples, of which none may be in colour; undefined: any may. */
function onePlane({ count, images }: Samples, plane: number, { name }: SampleSet, part?: string): Uint8Array {
  const gray = new Uint8Array(count * plane)
  for (let n = 0; n < count; n++) {
    const [first, second, third] = [0, 1, 2].map((c) => images.subarray((3 * n + c) * plane, (3 * n + c + 1) * plane))
    if (part === undefined) {
      for (let i = 0; i < plane; i++) gray[n * plane + i] = luma(first[i], second[i], third[i])
      continue
    }
    if ([second, third].some((other) => other.some((value, i) => value !== first[i])))
      throw new UserError(
        `${name}: ${part} image ${n + 1} of ${count} is in colour, expected gray images for a network of one channel, or --gray`,
      )
    gray.set(first, n * plane)
  }
  return gray
}

/** The brightness of a colour (ITU-R BT.601) in whole numbers, as Pillow rounds it. */
const luma = (red: number, green: number, blue: number): number =>
  (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
