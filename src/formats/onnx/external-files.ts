/** @file Files beside an ONNX model that hold the values of its tensors. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { fileProblem, UserError } from '../../util/errors.ts'
import type { External } from './tensor.ts'

/** Files in the folder of a model and below it, each read once. Throws UserError for paths that lead out of it. */
export function externalFiles(model: string): External {
  const known = new Map<string, Uint8Array>()
  return (location) => {
    const relative = normalize(location)
    if (isAbsolute(relative) || relative.startsWith('..') || location.includes('\0'))
      throw new UserError(`${model}: external data must lie beside the model, found ${JSON.stringify(location)}`)
    const path = join(dirname(model), relative)
    const bytes = known.get(path) ?? readExternal(path, model)
    known.set(path, bytes)
    return bytes
  }
}

function readExternal(path: string, model: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UserError(`${model}: cannot read its external data ${path}: ${fileProblem(error)}`)
  }
}
