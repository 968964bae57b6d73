/**
 * @file The data sets by name, and folders that hold one.
 */
import { existsSync, statSync } from 'node:fs'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import type { Dataset } from './dataset.ts'
import { downloadFolder, findFolder, MissingData } from './folders.ts'
import { type Format, type FormatName, formats, type LoadOptions } from './formats.ts'
import { findMnist, locateMnist } from './mnist.ts'
import { findNormalization, GUESSED, OWN } from './normalization.ts'
import { synthetic } from './synthetic.ts'

export interface DatasetEntry {
  summary: string
  /** The folder that it is in; undefined where it is not on this machine. Absent: it needs none. */
  locate?(): string | undefined
  load(options: LoadOptions): Promise<Dataset>
}

/** Adding a data set: a line here; if its files are of a new format, a file and a line in formats.ts. */
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
 * A data set by name, or a folder with one: MNIST's IDX files, CIFAR's binary files, or folders of images.
 * Throws UserError.
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
  /** Those that it comes in. */
  formats: FormatName[]
  /** Where it is not the format's own. */
  normalization?: string
  /** Where it is, if it is; default: `ESPALIER_DATA/<name>`, then a download. */
  locate?(): string | undefined
  /** The same, or a UserError. */
  find?(): string
}

function stored({ name, summary, formats: names, normalization, ...places }: Stored): DatasetEntry {
  const { locate = () => findFolder(name), find = () => findFolder(name) ?? missing(name, names) } = places
  const possible = names.map((format) => formats[format])
  return {
    summary,
    locate,
    load: async (options) =>
      withOwn(
        await loadFolder(find(), name, possible, { ...options, normalization: options.normalization ?? normalization }),
        options.normalization === undefined,
      ),
  }
}

/** The constants of a data set that has a name are its own, unless others were asked for. */
const withOwn = (data: Dataset, own: boolean): Dataset => (own ? { ...data, origin: { mean: OWN, std: OWN } } : data)

async function loadFolder(
  folder: string,
  name: string,
  possible: readonly Format[],
  options: LoadOptions,
): Promise<Dataset> {
  // The only possible one says itself what it lacks.
  const format = possible.length === 1 ? possible[0] : possible.find(({ recognizes }) => recognizes(folder))
  if (!format)
    throw new UserError(
      `${folder} holds no data set that is known: expected ${possible.map(({ expects }) => expects).join(', or ')}`,
    )
  if (!format.decoded) refuseImageOptions(name, options)
  const data = await format.load(folder, name, options)
  // A folder that a person names does not say what its images are.
  const guess = name === folder && options.normalization === undefined
  const by = guess
    ? `${GUESSED}the constants ${format.normalization}, since a folder does not say its own`
    : options.normalization === undefined
      ? OWN
      : `the constants ${options.normalization}`
  return { ...data, origin: { mean: by, std: by } }
}

function refuseImageOptions(name: string, { size, crop, skipCorrupt }: LoadOptions): void {
  for (const [option, value] of Object.entries({ size, crop, skipCorrupt }))
    if (value !== undefined && value !== false)
      throw new UserError(`${name}: ${option} is for folders of image files; this data set has images of one size`)
}

function missing(name: string, names: readonly FormatName[]): never {
  throw new MissingData(
    `${name} was not found: run espalier data get ${name}, or put its files into ${downloadFolder(name)} (${formats[names[0]].expects})`,
  )
}
