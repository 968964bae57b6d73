/**
 * @file What a network is shown, whether or not it has labels: data sets, folders of images with or without
 * classes, arrays, and texts.
 */
import { existsSync, statSync } from 'node:fs'
import { UserError } from '../util/errors.ts'
import { isArrayFile } from './arrays/array-bytes.ts'
import { type ArrayInput, elements } from './arrays/inputs.ts'
import { ARRAYS, isArrays, loadArrays } from './arrays/load-arrays.ts'
import type { Recurrence } from './arrays/recurrence.ts'
import { hasClasses } from './class-folders.ts'
import type { SampleSet } from './dataset.ts'
import { isFlatImages, loadFlatImages } from './flat-images.ts'
import { formats, type LoadOptions } from './formats.ts'
import { GRAY, grayOf } from './gray.ts'
import { datasets, loadDataset, refuseImageOptions } from './index.ts'
import { isTexts, loadTexts } from './load-texts.ts'
import { GUESSED } from './normalization.ts'

/** What samples are for: names are those that messages use. */
export interface SampleTaker {
  name: string
  /** [C, H, W]. */
  image: SampleSet['image']
  /** The arrays that make up a sample, where that is known. */
  inputs?: readonly ArrayInput[]
  /** How its states are found, where it has some, of sound. Default: they are expected as arrays. */
  recurrence?: Recurrence
  /** How many classes labels that are numbers stand for. */
  classes?: number
  /** How many different tokens it takes, where samples are texts of [2, 1, tokens]. */
  vocabulary?: number
}

export interface SampleOptions extends LoadOptions {
  /** Samples of sound in a second. Default: those of the first file, which all must have. */
  rate?: number
}

/** Loads samples for a network. Throws UserError where there are none, or they are not as it takes them. */
export async function loadSamples(
  nameOrPath: string,
  taker: SampleTaker,
  options: SampleOptions = {},
): Promise<SampleSet> {
  const { rate, ...others } = options
  const isPath = !Object.hasOwn(datasets, nameOrPath) && existsSync(nameOrPath)
  if (isPath && !isDataset(nameOrPath) && isArrays(nameOrPath)) {
    refuseImageOptions(nameOrPath, others)
    const { name: network, image, classes, recurrence } = taker
    const inputs = taker.inputs ?? [{ name: 'images', shape: image }]
    return loadArrays(nameOrPath, nameOrPath, { inputs, image, network, classes, rate, recurrence })
  }
  // Beside images, files of text are something else.
  const mayBeTexts = isPath && (taker.vocabulary !== undefined || !statSync(nameOrPath).isDirectory())
  if (mayBeTexts && isTexts(nameOrPath)) return texts(nameOrPath, taker, options)
  if (isArrayFile(nameOrPath) && !existsSync(nameOrPath))
    throw new UserError(`cannot read ${nameOrPath}: there is no such file or folder`)
  if (rate !== undefined) throw new UserError(`rate: ${nameOrPath} holds no sound, expected .wav files`)
  const several = taker.inputs && taker.inputs.length > 1
  if (several || (taker.inputs && elements(taker.image) !== elements(taker.inputs[0].shape)))
    throw new UserError(
      `${nameOrPath} holds images, ${taker.name} takes ${taker.inputs!.map(({ name }) => name).join(', ')}: expected ${ARRAYS}`,
    )
  if (isPath && statSync(nameOrPath).isDirectory() && isFlatImages(nameOrPath))
    return flatImages(nameOrPath, taker, others)
  return loadDataset(nameOrPath, others)
}

/** Whether a folder holds a data set of labelled images, whatever lies beside it. */
const isDataset = (path: string): boolean => {
  const { images, ...others } = formats
  return statSync(path).isDirectory() && (hasClasses(path) || Object.values(others).some((one) => one.recognizes(path)))
}

/** Whether {@link loadSamples} finds arrays or texts at a path. */
export const isArraysOrTexts = (path: string): boolean =>
  existsSync(path) && !isDataset(path) && (isArrays(path) || isTexts(path))

function texts(path: string, { name, image, vocabulary }: SampleTaker, options: SampleOptions): SampleSet {
  if (vocabulary === undefined)
    throw new UserError(`${path} holds texts, ${name} takes none: expected images or arrays, or a network of tokens`)
  const { rate, ...others } = options
  const asked = [
    ['rate', rate, 'sound'],
    ['normalization', others.normalization, 'images'],
  ] as const
  for (const [option, value, kind] of asked)
    if (value !== undefined) throw new UserError(`${path}: ${option} is for ${kind}; this data set holds texts`)
  refuseImageOptions(path, others, 'holds texts')
  return loadTexts(path, path, { vocabulary, tokens: image[2] })
}

async function flatImages(folder: string, { classes }: SampleTaker, options: LoadOptions): Promise<SampleSet> {
  const { channels, gray, normalization } = options
  const loaded = await loadFlatImages(folder, folder, { ...options, classes })
  const isGray = channels === 1
  const data = isGray ? grayOf(loaded, normalization, gray) : loaded
  const source =
    normalization === undefined
      ? `${GUESSED}the constants ${isGray ? GRAY : 'imagenet'}, since a folder does not say its own`
      : `the constants ${normalization}`
  return { ...data, origin: { mean: source, std: source } }
}
