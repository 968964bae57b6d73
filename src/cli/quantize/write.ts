/** @file A quantized model is judged as it was written, before the file takes its name. */
import { renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { encodeModel } from '../../formats/onnx/encode.ts'
import { type OnnxFile, parseOnnx } from '../../formats/onnx/file.ts'
import { readBytes, writeAtomically } from '../../util/files.ts'

/** Writes a model under another name, lets it be judged as it was written, and gives it its name. */
export function writeJudged<T>(path: string, proto: OnnxFile['proto'], judge: (written: OnnxFile) => T): T {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.checked`)
  try {
    const parts = encodeModel(proto)
    writeAtomically(temporary, parts, path)
    const written = parseOnnx(readBytes(temporary), path)
    const found = judge(written)
    renameSync(temporary, path)
    return found
  } finally {
    rmSync(temporary, { force: true })
  }
}
