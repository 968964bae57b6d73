/** @file ONNX models as files of weights: their tensors by name, and the network that they are. */
import { UserError } from '../../util/errors.ts'
import type { DType, TensorFile } from '../safetensors-bytes.ts'
import { type OnnxFile, parseOnnx } from './file.ts'
import type { ImportOptions } from './input.ts'
import { checkSizes } from './model-inputs.ts'
import { importOnnx, type OnnxNetwork } from './network.ts'
import { placesOf, typeOf } from './places.ts'
import { Unsupported } from './scope.ts'
import { dtypes, type External, isFloating } from './tensor.ts'

/**
 * An ONNX model: as it is stored, and as a network, or why it cannot be run here (its weights can be
 * rewritten all the same).
 */
export interface OnnxModel {
  file: OnnxFile
  network: OnnxNetwork | Unsupported
  /** How it was read. */
  reading: ImportOptions
}

export interface OnnxWeights extends TensorFile {
  onnx: OnnxModel
}

/**
 * Parses a whole file, which messages call `path`. Throws UserError on anything malformed. Without
 * `external`, all values must be inside.
 */
export function readOnnx(
  bytes: Uint8Array,
  path: string,
  options: ImportOptions = {},
  external?: External,
): OnnxWeights {
  const file = parseOnnx(bytes, path, external)
  checkSizes(file, options)
  return weightsOfModel(file, { ...statedOptions(file.metadata), ...options })
}

/** A model that was read, or made, as a file of weights. */
export function weightsOfModel(file: OnnxFile, reading: ImportOptions): OnnxWeights {
  const network = importOrSay(file, reading)
  return { tensors: allTensors(file, network), metadata: file.metadata, onnx: { file, network, reading } }
}

/** What {@link readOnnx} finds in a file. */
export const tensorsOf = (file: OnnxFile, reading: ImportOptions): TensorFile['tensors'] =>
  allTensors(file, importOrSay(file, reading))

/** What a file that was written here says of its images: what a flag said when it was pruned. */
function statedOptions({ layout, crop, size = '' }: Record<string, string>): ImportOptions {
  const side = Number(crop)
  const [, rows, columns] = /^(\d+)x(\d+)$/.exec(size) ?? []
  return {
    ...(layout === 'NCHW' || layout === 'NHWC' ? { layout } : {}),
    ...(side > 0 && { plane: [side, side] }),
    ...(rows && columns && { plane: [Number(rows), Number(columns)] }),
  }
}

function importOrSay(file: OnnxFile, options: ImportOptions): OnnxNetwork | Unsupported {
  try {
    return importOnnx(file, options)
  } catch (error) {
    if (error instanceof Unsupported) return error
    // Whatever it is, it concerns those alone who have to run the network.
    const { message } = error as Error
    if (error instanceof UserError)
      return new Unsupported(message.startsWith(file.path) ? message : `${file.path}: ${message}`)
    return new Unsupported(`${file.path} cannot be run here: an internal error (${message})`)
  }
}

/**
 * The tensors of the network, and all stored floats, and bytes that may stand for floats, that are none of
 * its, by their keys.
 */
function allTensors({ proto, stored }: OnnxFile, network: OnnxNetwork | Unsupported): TensorFile['tensors'] {
  const floats = placesOf(proto).filter(({ tensor }) => isWeight(dtypes[typeOf(tensor)]))
  const rest = floats.map(({ key }) => key).filter((key) => !isOf(network, key))
  const tensors = network instanceof Unsupported ? [] : network.tensors
  return new Map([...tensors, ...rest.map((key) => [key, stored.get(key)!()] as const)])
}

const isWeight = (type: DType | undefined) => isFloating(type) || type === 'I8' || type === 'U8'

function isOf(network: OnnxNetwork | Unsupported, key: string): boolean {
  if (network instanceof Unsupported) return false
  return network.tensors.has(key) || [...network.origins.values()].some(({ source }) => source?.key === key)
}
