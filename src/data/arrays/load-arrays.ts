/**
 * @file Arrays as a data set: a file, or a folder of files whose samples follow each other in the order of
 * their names.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'
import type { SampleSet, Samples } from '../dataset.ts'
import { splitOf } from '../split.ts'
import { ARRAY_FILES, isArrayFile, parseArrayFile } from './array-bytes.ts'
import { type ArrayOptions, ArrayReader, arraySet } from './array-set.ts'
import { elements } from './number-array.ts'

export type { ArrayOptions } from './array-set.ts'

/** Whether a file holds arrays, or a folder, or its part `train`, has files that do. */
export function isArrays(path: string): boolean {
  if (!existsSync(path)) return false
  if (!statSync(path).isDirectory()) return isArrayFile(path)
  return filesIn(path).length > 0 || filesIn(join(path, 'train')).length > 0
}

/**
 * Training and test samples are those of the folders `train` and `test` (or `val`), where there are such;
 * else every fifth sample is one of the test. Throws UserError.
 */
export async function loadArrays(path: string, name: string, options: ArrayOptions): Promise<SampleSet> {
  const reader = new ArrayReader(options)
  const part = ['test', 'val'].map((one) => join(path, one)).find((one) => filesIn(one).length > 0)
  const apart = filesIn(join(path, 'train')).length > 0
  if (apart && !part) throw new UserError(`${path} has arrays in train/, but none in test/ or val/`)
  const whole = apart ? undefined : await samplesIn(path, reader)
  const split = whole && splitOf(whole, elements(options.image))
  const { train, test } = split ?? {
    train: await samplesIn(join(path, 'train'), reader),
    test: await samplesIn(part!, reader),
  }
  return arraySet({ train, test, notes: [...(split ? [split.note] : []), ...reader.notes] }, path, name, options)
}

function samplesIn(place: string, reader: ArrayReader): Promise<Samples> {
  const paths = statSync(place).isDirectory() ? filesIn(place).map((file) => join(place, file)) : [place]
  return reader.read(
    paths.map((path) => ({ path, read: () => parseArrayFile(readBytes(path), path) })),
    place,
  )
}

/** The files of arrays in a folder by name, in the order of numbers in their names. */
function filesIn(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return []
  const names = readdirSync(folder).filter((name) => !name.startsWith('.') && isArrayFile(name))
  return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** What a folder of arrays holds, in words. */
export const ARRAYS = `files of arrays (${ARRAY_FILES})`
