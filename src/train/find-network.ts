/** @file Networks by name: built-in ones, and ONNX models by their path. */
import { externalFiles } from '../formats/onnx/external-files.ts'
import { isOnnxName } from '../formats/onnx/file.ts'
import { readOnnx } from '../formats/onnx/onnx.ts'
import type { WeightsFile } from '../formats/weights-file.ts'
import { findModel } from '../models/index.ts'
import type { Model, ModelOptions } from '../models/model.ts'
import { readBytes } from '../util/files.ts'
import { modelOfFile } from './model-of-file.ts'

/** A built-in network, or the one of an ONNX file. Throws UserError where there is none such. */
export function findNetwork(name: string, options: ModelOptions = {}): Model {
  if (!isOnnxName(name)) return findModel(name, options)
  return modelOfFile(readOnnx(readBytes(name), name, {}, externalFiles(name)), name)
}

/** The network that a file of weights is or names, or that of `name`. Throws UserError, which calls the file `source`, where there is none. */
export const networkOfFile = (file: WeightsFile, source: string, name?: string): Model =>
  modelOfFile(file, source, name, findNetwork)
