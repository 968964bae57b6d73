/** @file Files beside an ONNX model that hold the values of its tensors; only what is asked for is read. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { fileProblem, UserError } from '../../util/errors.ts'
import type { External } from './tensor.ts'

/**
 * Files in the folder of a model and below it. Throws UserError for paths that lead out of it, and for bytes
 * that are not there.
 */
export const externalFiles =
  (model: string): External =>
  (location, offset, length) => {
    const relative = normalize(location)
    if (isAbsolute(relative) || relative.startsWith('..') || location.includes('\0'))
      throw new UserError(`${model}: external data must lie beside the model, found ${JSON.stringify(location)}`)
    const path = join(dirname(model), relative)
    try {
      return bytesAt(path, offset, length)
    } catch (error) {
      if (error instanceof UserError) throw new UserError(`${model}: ${error.message}`)
      throw new UserError(`${model}: cannot read its external data ${path}: ${fileProblem(error)}`)
    }
  }

/** The most bytes that are read at once: some systems refuse 2 GiB. */
const MOST_AT_ONCE = 2 ** 28

function bytesAt(path: string, offset: number, length: number): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    if (offset + length > size)
      throw new UserError(`its external data ${path} has ${size} bytes, expected ${length} at ${offset}`)
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      const read = readSync(file, bytes, at, Math.min(length - at, MOST_AT_ONCE), offset + at)
      if (read === 0) throw new UserError(`its external data ${path} ended while it was read`)
      at += read
    }
    return bytes
  } finally {
    closeSync(file)
  }
}
