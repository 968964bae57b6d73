/** @file Files of trained weights, of any format that is read here: told apart by their first bytes. */
import { readBytes } from '../util/files.ts'
import { parseSafetensors, type TensorFile } from './safetensors-bytes.ts'
import { unpackSparse } from './sparse.ts'
import { isTorchFile, parseTorch } from './torch/torch.ts'

/** Tensors by name, dense: of safetensors (sparse ones restored) or of a PyTorch checkpoint. Throws UserError. */
export function readWeights(path: string): TensorFile {
  const bytes = readBytes(path)
  return isTorchFile(bytes) ? parseTorch(bytes, path) : unpackSparse(parseSafetensors(bytes, path), path)
}
