/**
 * @file safetensors on disk; the format itself, which a page can use too, is safetensors-bytes.ts.
 */
import { readBytes, writeAtomically } from '../util/files.ts'
import { encodeSafetensors, parseSafetensors, type TensorFile } from './safetensors-bytes.ts'

export * from './safetensors-bytes.ts'

export function readSafetensors(path: string): TensorFile {
  return parseSafetensors(readBytes(path), path)
}

export function writeSafetensors(path: string, file: TensorFile): void {
  writeAtomically(path, encodeSafetensors(file))
}
