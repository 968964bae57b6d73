/** @file Files of weights in any of the formats that hold some, told apart by their first bytes: safetensors, with sparse storage or without, HDF5, PyTorch checkpoints, ONNX models. */
import { readBytes } from '../util/files.ts'
import { isHdf5, readHdf5, writeHdf5 } from './hdf5.ts'
import { externalFiles } from './onnx/external-files.ts'
import { isOnnx, isOnnxName } from './onnx/file.ts'
import type { ImportOptions } from './onnx/input.ts'
import { type OnnxModel, readOnnx } from './onnx/onnx.ts'
import { parseSafetensors, type TensorFile, writeSafetensors } from './safetensors.ts'
import { packSparse, unpackSparse } from './sparse.ts'
import { isTorchFile, parseTorch } from './torch/torch.ts'

export interface WeightsFile extends TensorFile {
  /** Where the file is one. */
  onnx?: OnnxModel
}

/** All tensors of a file, dense; `options` concern ONNX models. Throws UserError where it is none of the formats. */
export async function readWeights(path: string, options?: ImportOptions): Promise<WeightsFile> {
  const bytes = readBytes(path)
  if (isHdf5(bytes)) return readHdf5(path)
  if (isOnnxName(path) || isOnnx(bytes)) return readOnnx(bytes, path, options, externalFiles(path))
  return isTorchFile(bytes) ? parseTorch(bytes, path) : unpackSparse(parseSafetensors(bytes, path), path)
}

/** Writes HDF5 under names that end in .hdf5 or .h5, else safetensors, sparse where that is smaller. */
export async function writeWeights(path: string, file: TensorFile): Promise<void> {
  if (/\.(hdf5|h5)$/.test(path)) await writeHdf5(path, file)
  else writeSafetensors(path, packSparse(file))
}
