/**
 * @file How pixels become inputs: (pixel / 255 - mean) / std per channel, by the constants that published
 * results were obtained with. A checkpoint is worth its accuracy only with the constants that it was trained
 * with.
 */
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import type { Normalization, Origin, SampleSet } from './dataset.ts'
import { measureChannels } from './statistics.ts'

interface Entry extends Normalization {
  summary: string
}

/** The constants by name. A list of one number stands for any number of channels. */
export const normalizations: Record<string, Entry> = {
  half: { summary: 'to -1 .. 1: GSM, and the ResNet-20 checkpoint of WoodFisher', mean: [0.5], std: [0.5] },
  mnist: { summary: 'MNIST, everywhere', mean: [0.1307], std: [0.3081] },
  'fashion-mnist': { summary: 'measured on its training images', mean: [0.286], std: [0.353] },
  cifar10: {
    summary:
      'the usual one, for CIFAR-100 too in FTS; its std is the mean deviation within an image, not that of all pixels',
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.201],
  },
  'cifar10-dsr': {
    summary: 'wide residual networks, and DSR (Mostafa & Wang 2019) after them',
    mean: [125.3 / 255, 123 / 255, 113.9 / 255],
    std: [63 / 255, 62.1 / 255, 66.7 / 255],
  },
  cifar100: {
    summary: 'measured on the training images of CIFAR-100',
    mean: [0.5071, 0.4867, 0.4408],
    std: [0.2675, 0.2565, 0.2761],
  },
  svhn: {
    summary: 'of the training images of SVHN, as is usual',
    mean: [0.4377, 0.4438, 0.4728],
    std: [0.198, 0.201, 0.197],
  },
  imagenet: { summary: 'ImageNet, everywhere', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  'tiny-imagenet': {
    summary: 'measured on the training images of Tiny ImageNet',
    mean: [0.48, 0.448, 0.397],
    std: [0.276, 0.269, 0.282],
  },
}

/** The constants of that name for images of `channels` channels. Throws UserError where there are none. */
export function findNormalization(name: string, channels: number): Normalization {
  const known = Object.hasOwn(normalizations, name) ? normalizations[name] : undefined
  if (!known)
    throw new UserError(`there is no normalization named ${name}${suggestion(name, Object.keys(normalizations))}`)
  const { mean, std } = known
  if (mean.length !== 1 && mean.length !== channels)
    throw new UserError(`normalization ${name} is for ${mean.length} channels, the images have ${channels}`)
  const each = (values: readonly number[]) => Array.from({ length: channels }, (_, c) => values[c % values.length])
  return { mean: each(mean), std: each(std) }
}

/**
 * One finite number for each channel; a single one stands for all. Throws UserError, beginning with `what`.
 */
export function perChannel(values: readonly unknown[], channels: number, what: string): number[] {
  const numbers = values.length === 1 ? Array(channels).fill(values[0]) : [...values]
  if (numbers.length === channels && numbers.every((x) => Number.isFinite(x))) return numbers
  throw new UserError(`${what}: expected one number or ${channels}, found ${values.join(', ') || 'none'}`)
}

/**
 * Like {@link perChannel}, for standard deviations: they must be above 0, since inputs are divided by them.
 */
export function deviationPerChannel(values: readonly unknown[], channels: number, what: string): number[] {
  const numbers = perChannel(values, channels, what)
  const wrong = numbers.find((x) => !(x > 0))
  if (wrong === undefined) return numbers
  throw new UserError(`${what}: expected numbers above 0, which inputs are divided by, found ${wrong}`)
}

/** Numbers per channel, or `data` where they are to be measured on the training images. */
export type Asked = readonly unknown[] | 'data'

/**
 * The data set with another mean or std, where they are asked for. `names` is what messages call the two, and
 * `given` is how the origin of numbers is described. Throws UserError where they do not fit the channels.
 */
export function normalized<D extends SampleSet>(
  data: D,
  asked: { mean?: Asked; std?: Asked },
  names: { mean: string; std: string },
  given = 'given',
): D {
  const { mean, std } = asked
  if (mean === undefined && std === undefined) return data
  const [channels] = data.image
  const measured = mean === 'data' || std === 'data' ? measureChannels(data.train, data.image) : undefined
  const measuredOn = `measured on the ${data.train.count.toLocaleString('en-US')} training images of ${data.name}`
  const constants = {
    mean: mean === undefined ? data.mean : perChannel(mean === 'data' ? measured!.mean : mean, channels, names.mean),
    std: std === undefined ? data.std : deviationPerChannel(std === 'data' ? measured!.std : std, channels, names.std),
  }
  const origin = (value: Asked | undefined, before: string) =>
    value === undefined ? before : value === 'data' ? measuredOn : given
  const { mean: ofMean, std: ofStd } = originOf(data)
  return { ...data, ...constants, origin: { mean: origin(mean, ofMean), std: origin(std, ofStd) } }
}

/** Where mean and std of a data set come from. */
export const originOf = ({ origin }: Pick<SampleSet, 'origin'>): Origin => origin ?? { mean: OWN, std: OWN }

/** The constants and their origin in words, such as `mean 0.5 and std 0.25 (of the data set)`. */
export function normalizationText(data: SampleSet): string {
  const { mean, std } = originOf(data)
  const [a, b] = [`mean ${data.mean.join(', ')}`, `std ${data.std.join(', ')}`]
  return mean === std ? `${a} and ${b} (${mean})` : `${a} (${mean}) and ${b} (${std})`
}

/** The origin of constants that belong to the data set. */
export const OWN = 'of the data set'

/** What the origin of constants begins with where nobody said them. */
export const GUESSED = 'guessed: '

/** The part of a normalization that is a guess: `mean and std`, one of the two, or undefined. */
export function guessedOf(data: SampleSet): string | undefined {
  const guessed = Object.entries(originOf(data)).flatMap(([name, by]) => (by.startsWith(GUESSED) ? [name] : []))
  return guessed.length > 0 ? guessed.join(' and ') : undefined
}
