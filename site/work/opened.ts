/** @file A file that was dropped: which network it is, if one that runs here, and the tensors to prune. */
import { sourceOf } from '../../src/formats/network-source.ts'
import { encodeModel } from '../../src/formats/onnx/encode.ts'
import { isOnnx, isOnnxName, type OnnxFile, parseOnnx } from '../../src/formats/onnx/file.ts'
import { type OnnxModel, readOnnx, weightsOfModel } from '../../src/formats/onnx/onnx.ts'
import { interfaceDifference, tensorDifference } from '../../src/formats/onnx/same.ts'
import { isFloating } from '../../src/formats/onnx/tensor.ts'
import { type StoredWeight, storedWeights } from '../../src/formats/onnx/weights.ts'
import {
  encodeSafetensors,
  parseSafetensors,
  type StoredTensor,
  type TensorFile,
  toFloats,
} from '../../src/formats/safetensors-bytes.ts'
import { unpackSparse } from '../../src/formats/sparse.ts'
import { models } from '../../src/models/index.ts'
import { graphOf, type Model, type ModelFamily, modelOf } from '../../src/models/model.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { namedAs } from '../../src/train/layer-names.ts'
import { modelOfFile } from '../../src/train/model-of-file.ts'
import { UserError } from '../../src/util/errors.ts'

/** The values of a network: its own, or those of one that was pruned. */
export interface Version {
  weights: TensorFile
  /** Of a model that does not run here: tensors that changed, by key. */
  changed?: ReadonlyMap<string, StoredTensor>
  /** The ONNX model without the channels that were removed, where some were. */
  compact?: OnnxFile
}

/** What a {@link SparseModel} takes. */
export type InferredFile = TensorFile & { onnx?: OnnxModel }

/** A version of a network that runs here, as it is run and timed. */
export const inferred = ({ onnx }: Opened, { weights, compact }: Version): InferredFile =>
  compact ? weightsOfModel(compact, onnx?.reading ?? {}) : { ...weights, onnx }

export interface Opened {
  name: string
  version: Version
  onnx?: OnnxModel
  /** Absent: the file is no network that runs here. */
  model?: Model
  /** Why there is none. */
  reason?: string
  /** What can be pruned, in order. */
  tensors: readonly { name: string; shape: readonly number[] }[]
  /** Of a file that does not say it: the built-in networks that have such tensors. */
  candidates?: string[]
  /** Of a model that does not run here: its weights by key. */
  stored?: ReadonlyMap<string, StoredWeight>
}

/**
 * Opens a file of any format that a page reads; `network` names the built-in network of one that does not say
 * it. Throws UserError where it is none, or damaged.
 */
export function opened(bytes: Uint8Array, name: string, network?: string): Opened {
  if (bytes.length === 0) throw new UserError(`${name} is empty: expected an ONNX model or a safetensors file`)
  if (isOnnxName(name) || isOnnx(bytes)) return openedOnnx(bytes, name)
  if (!/\.safetensors$/i.test(name))
    throw new UserError(`${name}: expected a file whose name ends in .onnx or .safetensors`)
  return openedSafetensors(unpackSparse(parseSafetensors(bytes, name), name), name, network)
}

function openedOnnx(bytes: Uint8Array, name: string): Opened {
  const { onnx, ...weights } = readOnnx(bytes, name)
  const { network } = onnx
  if (!(network instanceof UserError)) {
    const tensors = prunableTensors(network.model).map(({ name: tensor, shape }) => ({ name: tensor, shape }))
    if (tensors.length > 0) return { name, version: { weights }, onnx, model: network.model, tensors }
  }
  const found = storedWeights(onnx.file).weights
  if (found.length === 0) throw new UserError(`${name} stores no weights that could be pruned`)
  return {
    name,
    version: { weights, changed: new Map() },
    onnx,
    reason: network instanceof UserError ? network.message : 'its layers are none that Espalier trains',
    tensors: found.map(({ key, shape }) => ({ name: key, shape })),
    stored: new Map(found.map((weight) => [weight.key, weight])),
  }
}

function openedSafetensors(file: TensorFile, name: string, network?: string): Opened {
  if (network ?? file.metadata.model) {
    const model = modelOfFile(file, name, network)
    const { tensors: named, metadata } = namedAs(model, file).file
    // The file that is written says it.
    const weights = { tensors: named, metadata: { ...metadata, model: model.name } }
    const tensors = prunableTensors(model).map(({ name: tensor, shape }) => ({ name: tensor, shape }))
    for (const tensor of tensors) {
      const found = weights.tensors.get(tensor.name)
      if (String(found?.shape) !== String(tensor.shape))
        throw new UserError(
          `${name}: tensor ${tensor.name} has shape [${found?.shape ?? 'none'}], ${model.name} expects [${tensor.shape}]`,
        )
    }
    return { name, version: { weights }, model, tensors }
  }
  const matrices = [...file.tensors].filter(([, { dtype, shape }]) => isFloating(dtype) && shape.length > 1)
  if (matrices.length === 0) throw new UserError(`${name} has no tensors of floats with two axes that could be pruned`)
  return {
    name,
    version: { weights: file },
    reason: 'it does not say what network it holds',
    candidates: candidatesFor(file),
    tensors: matrices.map(([tensor, { shape }]) => ({ name: tensor, shape })),
  }
}

/** Names of built-in networks all of whose tensors a file has. */
function candidatesFor(file: TensorFile): string[] {
  const fits = (family: ModelFamily) => {
    const model = modelOf(family)
    const { tensors } = namedAs(model, file).file
    return graphOf(model)
      .stored()
      .every(({ name, shape }) => String(tensors.get(name)?.shape) === String(shape))
  }
  return Object.keys(models).filter((name) => fits(models[name]))
}

/** The values of a tensor; of one that is stored in few bits, their magnitudes. */
export function valuesOf({ stored }: Opened, { weights, changed }: Version, name: string): ArrayLike<number> {
  const weight = stored?.get(name)
  if (!weight) return toFloats(weights.tensors.get(name)!)
  const values = changed?.get(name) ?? weight.stored()
  return isFloating(values.dtype) ? toFloats(values) : weight.weigh(values).magnitudes
}

export const formats = ['onnx', 'safetensors'] as const
export type Format = (typeof formats)[number]

/** The formats that a network can be written in: what is no network is no ONNX model. */
export const formatsOf = ({ onnx, model }: Opened): Format[] =>
  onnx || model ? ['onnx', 'safetensors'] : ['safetensors']

/** The network as an ONNX model, as it was read; undefined where it is none. */
export const modelFile = ({ name, version, onnx, model }: Opened): OnnxFile | undefined =>
  onnx?.file ?? (model && sourceOf(name, { weights: version.weights, model }).file)

/**
 * The bytes of a version in a format. An ONNX model is read again, and is what was meant. Throws UserError.
 */
export function encoded(
  { name, onnx, model }: Opened,
  { weights, changed, compact }: Version,
  format: Format,
): Uint8Array {
  if (format === 'onnx' && compact) return checked(joined(encodeModel(compact.proto)), name, compact)
  if (format === 'safetensors' && !changed) return encodeSafetensors(weights)
  const { file, target } = sourceOf(name, { weights, model, onnx, changed })
  if (format === 'safetensors')
    return encodeSafetensors({
      tensors: new Map([...target.stored].map(([key, read]) => [key, read()])),
      metadata: weights.metadata,
    })
  return checked(joined(encodeModel(target.proto)), name, target, file)
}

/** The model that would be written, before channels are left out. Throws UserError where there is none. */
export const targetOf = ({ name, onnx, model }: Opened, { weights, changed }: Version): OnnxFile =>
  sourceOf(name, { weights, model, onnx, changed }).target

/** Bytes that are the model `meant`, with the interface of `like`. Throws UserError where they are not. */
function checked(bytes: Uint8Array, name: string, meant: OnnxFile, like = meant): Uint8Array {
  const again = parseOnnx(bytes, name)
  const difference = interfaceDifference(like, again) ?? tensorDifference(meant, again)
  if (difference) throw new UserError(`${name} cannot be written: ${difference}; please report it`)
  return bytes
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
