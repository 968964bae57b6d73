/** @file Finds networks: built-in ones by their name, ONNX models by their path. */
import { externalFiles } from '../formats/onnx/external-files.ts'
import { isOnnxName } from '../formats/onnx/file.ts'
import { type OnnxWeights, readOnnx } from '../formats/onnx/onnx.ts'
import type { WeightsFile } from '../formats/weights-file.ts'
import { findModel } from '../models/index.ts'
import type { Model, ModelOptions } from '../models/model.ts'
import { readBytes } from '../util/files.ts'
import { modelOfFile } from './model-of-file.ts'

/** The built-in network of that name, or the one of an ONNX file. Throws UserError where there is none. */
export const findNetwork = (name: string, options: ModelOptions = {}): Model =>
  isOnnxName(name) ? modelOfFile(findOnnx(name), name) : findModel(name, options)

const findOnnx = (name: string): OnnxWeights => readOnnx(readBytes(name), name, {}, externalFiles(name))

/** A network, and the ONNX model that it comes from, where it does. */
export interface FoundNetwork {
  model: Model
  onnx?: OnnxWeights['onnx']
}

/**
 * The network that a file of weights is or names, or that of `name`. Throws UserError, which calls the file
 * `source`, where there is none.
 */
export const networkOfFile = (file: WeightsFile, source: string, name?: string): Model =>
  foundIn(file, source, name).model

/** Like {@link networkOfFile}, with the ONNX model that the network comes from. */
export function foundIn(file: WeightsFile, source: string, name?: string): FoundNetwork {
  const networkName = name ?? (file.onnx ? undefined : file.metadata.model)
  if (networkName !== undefined && isOnnxName(networkName)) {
    const named = findOnnx(networkName)
    return { model: modelOfFile(named, networkName), onnx: named.onnx }
  }
  return { model: modelOfFile(file, source, name), onnx: name === undefined ? file.onnx : undefined }
}
