/**
 * @file Networks with their weights, written in the format that a file's name asks for: ONNX, TensorFlow
 * Lite, HDF5, safetensors. Files of the formats that are read here are read again before they take their
 * names.
 */
import { renameSync, rmSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { UserError } from '../util/errors.ts'
import { nameOf } from './hdf5.ts'
import { asOnnx, type StoredNetwork, sourceOf } from './network-source.ts'
import { encodeModel } from './onnx/encode.ts'
import { isOnnxName, type OnnxFile } from './onnx/file.ts'
import { tensorsOf } from './onnx/onnx.ts'
import { type TensorFile, toFloats } from './safetensors.ts'
import { readStored, writeWeights } from './weights-file.ts'
import { type OnnxOptions, type WrittenOnnx, writeOnnx } from './write-onnx.ts'
import { isTfliteName, tfliteOf, type WrittenTflite, writeTflite } from './write-tflite.ts'

export type { StoredNetwork } from './network-source.ts'
export type { OnnxOptions, WrittenOnnx } from './write-onnx.ts'
export type { WrittenTflite } from './write-tflite.ts'

/** What is known of a written network beside its file. */
export interface Written {
  /** Of an ONNX model. */
  onnx?: WrittenOnnx
  /** Of a TensorFlow Lite file. */
  tflite?: WrittenTflite
}

const FORMATS = /\.(onnx|tflite|safetensors|h5|hdf5)$/i
/** Options that TensorFlow Lite files have, too. */
const OF_TFLITE = ['float16', 'batch']

/**
 * Throws UserError where the name is that of no format, or an option is set that the format does not have.
 */
export function checkForm(path: string, options: OnnxOptions = {}): void {
  if (!FORMATS.test(path))
    throw new UserError(`${path}: expected a name that ends in .onnx, .tflite, .safetensors, .h5 or .hdf5`)
  const others = isTfliteName(path) ? OF_TFLITE : []
  const [option] = Object.entries(options).find(([name, value]) => value && !others.includes(name)) ?? []
  if (option && !isOnnxName(path))
    throw new UserError(`${path}: ${option} is for ONNX models, expected a name that ends in .onnx`)
}

/** Throws UserError where the format cannot hold the network, whatever its weights. */
export function checkNetwork(path: string, stored: StoredNetwork, options: OnnxOptions = {}): void {
  if (isTfliteName(path)) tfliteOf(path, sourceOf(path, stored), options)
}

/**
 * Writes a network. An ONNX model that was read stays as it is but for its weights and what options ask for;
 * others are made one. The file is read again, and takes its name only if it is what was meant. Throws
 * UserError where the format cannot hold it.
 */
export async function writeNetwork(path: string, stored: StoredNetwork, options: OnnxOptions = {}): Promise<Written> {
  checkForm(path, options)
  if (isOnnxName(path)) return { onnx: await writeOnnx(path, sourceOf(path, stored), options) }
  if (isTfliteName(path)) return { tflite: writeTflite(path, sourceOf(path, stored), options) }
  const { onnx, changed, weights } = stored
  const tensors = onnx && changed ? tensorsOf(sourceOf(path, stored).target, onnx.reading) : weights.tensors
  await writeTensors(path, { ...weights, tensors })
  return {}
}

/** The ONNX model of a network, and its bytes, not written. Throws UserError where there is none. */
export function onnxOf(called: string, stored: StoredNetwork): { file: OnnxFile; model: Uint8Array } {
  const file = asOnnx(called, stored)
  return { file, model: Buffer.concat(encodeModel(file.proto)) }
}
/**
 * Writes tensors under another name, reads them again, and gives the file its name. Throws UserError where
 * they are not what was meant.
 */
async function writeTensors(path: string, file: TensorFile): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.checked${extname(path)}`)
  try {
    await writeWeights(temporary, file, path)
    const again = await readStored(temporary)
    for (const [name, tensor] of file.tensors) {
      const found = again.get(name) ?? again.get(nameOf(name))
      const [want, have] = [toFloats(tensor), found ? toFloats(found) : []]
      if (want.length !== have.length || want.some((value, i) => !Object.is(value, have[i])))
        throw new UserError(
          `${path} is not written: tensor ${name} is another when the file is read again; this is an error of Espalier, please report it`,
        )
    }
    renameSync(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
}
