/**
 * @file CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from their binary files: records of one label (CIFAR-10) or
 * a coarse and a fine one (CIFAR-100), then 3 x 32 x 32 bytes: the red plane, the green one, the blue one,
 * each by rows. The fine labels are used.
 */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { UserError } from '../util/errors.ts'
import { readBytes } from '../util/files.ts'
import type { Dataset, Split } from './dataset.ts'
import { findNormalization } from './normalization.ts'

export interface CifarFamily {
  /** The folder in the published archive. */
  subfolder: string
  train: readonly string[]
  test: readonly string[]
  /** The label bytes of a record, each with the number that it must be below. The last one is used. */
  labels: readonly { name: string; classes: number }[]
  /** The name of the default normalization. */
  normalization: string
  classNames?: readonly string[]
}

export const cifar10: CifarFamily = {
  subfolder: 'cifar-10-batches-bin',
  train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
  test: ['test_batch.bin'],
  labels: [{ name: 'label', classes: 10 }],
  normalization: 'cifar10',
  classNames: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
}

export const cifar100: CifarFamily = {
  subfolder: 'cifar-100-binary',
  train: ['train.bin'],
  test: ['test.bin'],
  labels: [
    { name: 'coarse label', classes: 20 },
    { name: 'fine label', classes: 100 },
  ],
  normalization: 'cifar100',
}

const PIXELS = 3 * 32 * 32

/** The folder itself, or its subfolder as in the archive: whichever has the family's test file. */
function locate(folder: string, { subfolder, test }: CifarFamily): string | undefined {
  return [folder, join(folder, subfolder)].find((place) => existsSync(join(place, test[0])))
}

export const isCifarFolder = (folder: string, family: CifarFamily): boolean => locate(folder, family) !== undefined

/**
 * Reads a data set of the family; `normalization` names the constants of its inputs. Throws UserError where a
 * file is missing, ends within a record or has a label that does not exist.
 */
export function loadCifar(
  folder: string,
  name: string,
  family: CifarFamily,
  normalization = family.normalization,
): Dataset {
  const place = locate(folder, family) ?? folder
  const read = (files: readonly string[]) =>
    readRecords(
      files.map((file) => join(place, file)),
      family,
    )
  return {
    name,
    classes: family.labels.at(-1)!.classes,
    classNames: family.classNames,
    image: [3, 32, 32] as const,
    ...findNormalization(normalization, 3),
    train: read(family.train),
    test: read(family.test),
  }
}

function readRecords(paths: readonly string[], family: CifarFamily): Split {
  const head = family.labels.length
  const record = head + PIXELS
  const files = paths.map((path) => ({ path, bytes: readBytes(path) }))
  for (const { path, bytes } of files)
    if (bytes.length === 0 || bytes.length % record !== 0)
      throw new UserError(
        `${path} has ${bytes.length} bytes, expected whole records of ${record} bytes (${head} for labels, ${PIXELS} for pixels)`,
      )
  const count = files.reduce((sum, { bytes }) => sum + bytes.length / record, 0)
  const images = new Uint8Array(count * PIXELS)
  const labels = new Uint8Array(count)
  let n = 0
  for (const { path, bytes } of files)
    for (let at = 0; at < bytes.length; at += record) {
      for (const [i, { name, classes }] of family.labels.entries())
        if (bytes[at + i] >= classes)
          throw new UserError(
            `${path}: the ${name} of record ${at / record} is ${bytes[at + i]}, expected 0 to ${classes - 1}: is this ${basename(path)} of the binary version?`,
          )
      labels[n] = bytes[at + head - 1]
      images.set(bytes.subarray(at + head, at + record), n * PIXELS)
      n++
    }
  return { count, images, labels }
}
