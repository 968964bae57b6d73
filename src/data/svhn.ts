/**
 * @file Street View House Numbers (Netzer et al. 2011), cropped digits: MAT-files with images X [32, 32, 3,
 * n], rows fastest, and labels y [n, 1], in which 10 stands for the digit 0.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../util/errors.ts'
import type { Dataset, Split } from './dataset.ts'
import { type MatArray, readMat } from './mat.ts'
import { findNormalization } from './normalization.ts'

const FILES = { train: 'train_32x32.mat', test: 'test_32x32.mat' }
const [SIDE, CHANNELS, CLASSES] = [32, 3, 10]

export const isSvhnFolder = (folder: string): boolean => existsSync(join(folder, FILES.test))

/**
 * Loads the two files of a folder; `normalization` names the constants of inputs. Throws UserError where a
 * file is missing, damaged, or holds other images or labels.
 */
export const loadSvhn = (folder: string, name: string, normalization = 'svhn'): Dataset => ({
  name,
  classes: CLASSES,
  classNames: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
  image: [CHANNELS, SIDE, SIDE],
  ...findNormalization(normalization, CHANNELS),
  train: readSplit(join(folder, FILES.train)),
  test: readSplit(join(folder, FILES.test)),
})

function readSplit(path: string): Split {
  const arrays = readMat(path)
  const [images, labels] = ['X', 'y'].map((name): MatArray => {
    const array = arrays.get(name)
    if (array) return array
    throw new UserError(`${path}: expected the arrays X and y, found ${[...arrays.keys()].join(', ') || 'none'}`)
  })
  const [height, width, channels, count = 1] = images.shape
  if (height !== SIDE || width !== SIDE || channels !== CHANNELS || images.shape.length > 4)
    throw new UserError(`${path}: X: expected ${SIDE} x ${SIDE} x ${CHANNELS} x n, found ${images.shape.join(' x ')}`)
  if (!(images.values instanceof Uint8Array)) throw new UserError(`${path}: X: expected bytes, found other numbers`)
  if (labels.values.length !== count)
    throw new UserError(`${path}: y: expected ${count} labels, one for each image, found ${labels.values.length}`)
  return { count, images: byRows(images.values), labels: digitsOf(labels.values, path) }
}

/** Planes whose rows run fastest, as planes whose columns do. */
function byRows(values: Uint8Array): Uint8Array {
  const turned = new Uint8Array(values.length)
  for (let from = 0; from < values.length; from += SIDE * SIDE)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++) turned[from + y * SIDE + x] = values[from + x * SIDE + y]
  return turned
}

function digitsOf(values: ArrayLike<number>, path: string): Uint8Array {
  return Uint8Array.from(values, (label, i) => {
    if (Number.isInteger(label) && label >= 1 && label <= CLASSES) return label % CLASSES
    throw new UserError(`${path}: y: label ${i + 1} is ${label}, expected 1 to ${CLASSES}`)
  })
}
