/**
 * @file Files of weights in any of the formats that hold some, told apart by their first bytes: safetensors,
 * with sparse storage or without, HDF5, PyTorch checkpoints, ONNX models.
 */
import { UserError } from '../util/errors.ts'
import { readBytes, writeAtomically } from '../util/files.ts'
import { foreignBytes, foreignName } from './foreign.ts'
import { isHdf5, readHdf5, writeHdf5 } from './hdf5.ts'
import { externalFiles } from './onnx/external-files.ts'
import { isOnnx, isOnnxName } from './onnx/file.ts'
import type { ImportOptions } from './onnx/input.ts'
import { type OnnxModel, type OnnxWeights, readOnnx } from './onnx/onnx.ts'
import { joinMasks } from './pruned-masks.ts'
import { beginsAsSafetensors, encodeSafetensors, parseSafetensors, type TensorFile } from './safetensors.ts'
import { packSparse, unpackSparse } from './sparse.ts'
import { isTorchFile, parseTorch } from './torch/torch.ts'

export interface WeightsFile extends TensorFile {
  /** Where the file is one. */
  onnx?: OnnxModel
}

/**
 * All tensors of a file, dense; `options` concern ONNX models. Where there was a choice, `note` is told in a
 * sentence; if not given, stderr is. Throws UserError where the file is none of the formats, which names the
 * format where it is another one that is known.
 */
export async function readWeights(
  path: string,
  options?: ImportOptions,
  note = (sentence: string): unknown => process.stderr.write(`note: ${sentence}\n`),
): Promise<WeightsFile> {
  const bytes = readBytes(path)
  const onnx = () => noted(readOnnx(bytes, path, options, externalFiles(path)), note)
  if (isOnnxName(path)) return onnx()
  if (beginsAsSafetensors(bytes)) return joined(unpackSparse(parseSafetensors(bytes, path), path), path)
  if (isHdf5(bytes)) {
    const { notes, ...file } = await readHdf5(path)
    for (const sentence of notes) note(sentence)
    return joined(file, path)
  }
  const foreign = foreignBytes(bytes, path)
  if (foreign) throw foreign
  if (isOnnx(bytes)) return onnx()
  if (!isTorchFile(bytes)) throw unknown(bytes, path)
  const { notes, ...file } = parseTorch(bytes, path)
  for (const sentence of notes) note(sentence)
  return file
}

/** A model, after its note is told. */
function noted(file: OnnxWeights, note: (sentence: string) => unknown): OnnxWeights {
  const { network } = file.onnx
  if (!(network instanceof UserError) && network.model.note) note(network.model.note)
  return file
}

/** The tensors of a file that {@link writeWeights} wrote, by the names that they have there. */
export async function readStored(path: string): Promise<TensorFile['tensors']> {
  if (/\.(hdf5|h5)$/i.test(path)) return (await readHdf5(path)).tensors
  return unpackSparse(parseSafetensors(readBytes(path), path), path).tensors
}

const joined = (file: TensorFile, path: string): TensorFile => ({ ...file, tensors: joinMasks(file.tensors, path) })

/** The error for a file whose first bytes say nothing: in the words of the format that its name says. */
function unknown(bytes: Uint8Array, path: string): unknown {
  if (/\.(hdf5|h5)$/i.test(path))
    return new UserError(`${path} is not a valid HDF5 file of weights: it does not begin as one does`)
  if (/\.(pth|pt|ckpt|tar)$/i.test(path))
    return new UserError(`${path} is no PyTorch checkpoint that can be read: it does not begin as one does`)
  const foreign = foreignName(path)
  if (foreign) return foreign
  try {
    parseSafetensors(bytes, path)
  } catch (error) {
    return error
  }
}

/**
 * Writes HDF5 under names that end in .hdf5 or .h5, else safetensors, sparse where that is smaller. Throws
 * UserError, which names the file as `called`.
 */
export async function writeWeights(path: string, file: TensorFile, called = path): Promise<void> {
  if (/\.(hdf5|h5)$/i.test(path)) await writeHdf5(path, file, called)
  else writeAtomically(path, encodeSafetensors(packSparse(file)), called)
}
