/** @file ONNX models as files of weights: their tensors by name, and the network that they are. */
import { UserError } from '../../util/errors.ts'
import type { TensorFile } from '../safetensors-bytes.ts'
import { type OnnxFile, parseOnnx } from './file.ts'
import { type ImportOptions, importOnnx, type OnnxNetwork } from './network.ts'
import { type AnyTensor, isSparse, placesOf } from './places.ts'
import { Unsupported } from './scope.ts'
import { dtypes, type External, isFloating } from './tensor.ts'

/** An ONNX model: as it is stored, and as a network, or why it cannot be run here (its weights can be rewritten all the same). */
export interface OnnxModel {
  file: OnnxFile
  network: OnnxNetwork | Unsupported
}

export interface OnnxWeights extends TensorFile {
  onnx: OnnxModel
}

/** Parses a whole file, which messages call `path`. Throws UserError on anything malformed. Without `external`, all values must be inside. */
export function readOnnx(
  bytes: Uint8Array,
  path: string,
  options: ImportOptions = {},
  external?: External,
): OnnxWeights {
  const file = parseOnnx(bytes, path, external)
  const network = importOrSay(file, { ...statedOptions(file.metadata), ...options })
  const tensors = network instanceof Unsupported ? floatTensors(file) : network.tensors
  return { tensors, metadata: file.metadata, onnx: { file, network } }
}

/** What a file that was written here says of its images: what a flag said when it was pruned. */
function statedOptions({ layout, crop }: Record<string, string>): ImportOptions {
  const side = Number(crop)
  return {
    ...(layout === 'NCHW' || layout === 'NHWC' ? { layout } : {}),
    ...(side > 0 && { plane: [side, side] }),
  }
}

function importOrSay(file: OnnxFile, options: ImportOptions): OnnxNetwork | Unsupported {
  try {
    return importOnnx(file, options)
  } catch (error) {
    if (error instanceof Unsupported) return error
    if (error instanceof UserError) throw error
    return new Unsupported(`${file.path} cannot be run here: an internal error (${(error as Error).message})`)
  }
}

/** All stored tensors of floats, by their keys. */
function floatTensors({ proto, stored }: OnnxFile): TensorFile['tensors'] {
  const typeOf = (tensor: AnyTensor) => (isSparse(tensor) ? (tensor.values?.dataType ?? 0) : tensor.dataType)
  const floats = placesOf(proto).filter(({ tensor }) => isFloating(dtypes[typeOf(tensor)]))
  return new Map(floats.map(({ key }) => [key, stored.get(key)!()]))
}
