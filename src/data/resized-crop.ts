/**
 * @file Random resized crops (Szegedy et al. 2015), by torchvision's definitions: a part of a photograph that
 * has 8 % to 100 % of its area and sides in the ratio 3/4 to 4/3, resized, and flipped left to right half of
 * the time.
 */
import { type Random, random } from '../util/random.ts'
import { roundHalfToEven } from '../util/rounding.ts'
import type { Box } from './resample.ts'

const AREA = [0.08, 1] as const
const RATIO = [3 / 4, 4 / 3] as const
/** How often a box is drawn that may not fit. */
const TRIES = 10

export interface ResizedCrop extends Box {
  /** Whether it is flipped left to right afterwards. */
  flip: boolean
}

/** The crop of a training sample in an epoch, of `height` x `width` pixels. It depends on nothing else. */
export function drawCrop(seed: number, epoch: number, sample: number, height: number, width: number): ResizedCrop {
  const draw = random(seed, 'resized crop', epoch, sample)
  const flip = draw.below(2) === 1
  return { ...boxOf(draw, height, width), flip }
}

/**
 * The area and the logarithm of the ratio width : height are drawn from equal distributions, then the place.
 * Where none of ten boxes fits, it is the largest in the middle whose ratio is allowed.
 */
function boxOf(draw: Random, height: number, width: number): Box {
  const between = (low: number, high: number) => low + (high - low) * draw.uniform()
  for (let i = 0; i < TRIES; i++) {
    const area = height * width * between(...AREA)
    const ratio = Math.exp(between(Math.log(RATIO[0]), Math.log(RATIO[1])))
    const [w, h] = [roundHalfToEven(Math.sqrt(area * ratio)), roundHalfToEven(Math.sqrt(area / ratio))]
    if (w > 0 && w <= width && h > 0 && h <= height)
      return { top: draw.below(height - h + 1), left: draw.below(width - w + 1), height: h, width: w }
  }
  return middle(height, width)
}

/** The largest box in the middle of a photograph whose ratio is allowed. */
export function middle(height: number, width: number): Box {
  const h = width / height < RATIO[0] ? roundHalfToEven(width / RATIO[0]) : height
  const w = width / height > RATIO[1] ? roundHalfToEven(height * RATIO[1]) : width
  return { top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2), height: h, width: w }
}
