/** @file Networks by name: built-in ones, and ONNX models by their path. */
import { externalFiles } from '../formats/onnx/external-files.ts'
import { isOnnxName } from '../formats/onnx/file.ts'
import { type OnnxWeights, readOnnx } from '../formats/onnx/onnx.ts'
import type { WeightsFile } from '../formats/weights-file.ts'
import { findModel } from '../models/index.ts'
import type { Model, ModelOptions } from '../models/model.ts'
import { readBytes } from '../util/files.ts'
import { modelOfFile } from './model-of-file.ts'

/** A built-in network, or the one of an ONNX file. Throws UserError where there is none such. */
export const findNetwork = (name: string, options: ModelOptions = {}): Model =>
  isOnnxName(name) ? modelOfFile(findOnnx(name), name) : findModel(name, options)

const findOnnx = (name: string): OnnxWeights => readOnnx(readBytes(name), name, {}, externalFiles(name))

/** A network, and the ONNX model that it is, where it is one. */
export interface Found {
  model: Model
  onnx?: OnnxWeights['onnx']
}

/**
 * The network that a file of weights is or names, or that of `name`. Throws UserError, which calls the file
 * `source`, where there is none.
 */
export const networkOfFile = (file: WeightsFile, source: string, name?: string): Model =>
  foundIn(file, source, name).model

/** {@link networkOfFile}, with the ONNX model that it is. */
export function foundIn(file: WeightsFile, source: string, name?: string): Found {
  const wanted = name ?? (file.onnx ? undefined : file.metadata.model)
  const other = wanted !== undefined && isOnnxName(wanted) ? findOnnx(wanted) : undefined
  if (other) return { model: modelOfFile(other, wanted!), onnx: other.onnx }
  return { model: modelOfFile(file, source, name), onnx: name === undefined ? file.onnx : undefined }
}
