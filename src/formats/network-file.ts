/**
 * @file Networks with their weights, written in the format that a file's name asks for: ONNX, HDF5,
 * safetensors. Files are read again before they take their names.
 */
import { renameSync, rmSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { sizeOf } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { nameOf } from './hdf5.ts'
import { encodeModel } from './onnx/encode.ts'
import { exportNetwork, inferenceGraph } from './onnx/export.ts'
import { isOnnxName, type OnnxFile, openModel } from './onnx/file.ts'
import { withNetwork } from './onnx/network-weights.ts'
import { type OnnxModel, tensorsOf } from './onnx/onnx.ts'
import { placesOf } from './onnx/places.ts'
import { merged, withMetadata, withTensors } from './onnx/rewrite.ts'
import { type Whole, wholeNetwork } from './onnx/whole-network.ts'
import { type StoredTensor, type TensorFile, toFloats } from './safetensors.ts'
import { readStored, writeWeights } from './weights-file.ts'
import { type OnnxOptions, type Source, type WrittenOnnx, writeOnnx } from './write-onnx.ts'

export type { OnnxOptions, WrittenOnnx } from './write-onnx.ts'

/** What is known of a written network beside its file. */
export interface Written {
  /** Of an ONNX model. */
  onnx?: WrittenOnnx
}

export interface StoredNetwork {
  weights: TensorFile
  /** Absent: a network that cannot be run here, of which only weights are known. */
  model?: Model
  /** The ONNX model that it was read from. */
  onnx?: OnnxModel
  /**
   * Of an ONNX model, in the place of `weights`' tensors: those that change, by key (formats/onnx/places.ts),
   * as they are stored.
   */
  changed?: ReadonlyMap<string, StoredTensor>
}

const FORMATS = /\.(onnx|safetensors|h5|hdf5)$/i

/**
 * Throws UserError where the name is that of no format, or an option is set that the format does not have.
 */
export function checkForm(path: string, options: OnnxOptions = {}): void {
  if (!FORMATS.test(path))
    throw new UserError(`${path}: expected a name that ends in .onnx, .safetensors, .h5 or .hdf5`)
  const [option] = Object.entries(options).find(([, value]) => value) ?? []
  if (option && !isOnnxName(path))
    throw new UserError(`${path}: ${option} is for ONNX models, expected a name that ends in .onnx`)
}

/**
 * Writes a network. An ONNX model that was read stays as it is but for its weights and what options ask for;
 * others are made one. The file is read again, and takes its name only if it is what was meant. Throws
 * UserError where the format cannot hold it.
 */
export async function writeNetwork(path: string, stored: StoredNetwork, options: OnnxOptions = {}): Promise<Written> {
  checkForm(path, options)
  if (isOnnxName(path)) return { onnx: await writeOnnx(path, sourceOf(path, stored), options) }
  const { onnx, changed, weights } = stored
  const tensors = onnx && changed ? tensorsOf(sourceOf(path, stored).target, onnx.reading) : weights.tensors
  await writeTensors(path, { ...weights, tensors })
  return {}
}

/**
 * A network as the ONNX model that is written of it, before channels are left out; messages call it `path`.
 */
export const asOnnx = (path: string, stored: StoredNetwork): OnnxFile => sourceOf(path, stored).target

/** The ONNX model of a network, and its bytes, not written. Throws UserError where there is none. */
export function onnxOf(called: string, stored: StoredNetwork): { file: OnnxFile; model: Uint8Array } {
  const file = asOnnx(called, stored)
  return { file, model: Buffer.concat(encodeModel(file.proto)) }
}

function sourceOf(path: string, { weights, model, onnx, changed }: StoredNetwork): Source {
  if (!onnx) {
    if (!model) throw new UserError(`${path}: only a network that runs here can be written as an ONNX model`)
    return exported(path, weights, model)
  }
  const { file, network, reading } = onnx
  const proto =
    changed || network instanceof UserError
      ? withTensors(file, changed ?? changesOf(file, weights))
      : withNetwork(file, network, weights.tensors)
  const target = openModel(withMetadata(proto, weights.metadata), file.path, file.external)
  const source = { file, target, changed: differing(file, target), reading }
  if (changed || network instanceof UserError) return source
  return { ...source, meant: () => withValues(wholeNetwork(file, reading, file.batch ?? 1), weights.tensors) }
}

/** A network with other values of its tensors, where those have its names. */
function withValues(network: Whole, tensors: TensorFile['tensors']): Whole {
  const values: Whole['values'] = new Map(network.values)
  for (const [name, before] of network.values) {
    const tensor = tensors.get(name)
    if (tensor && sizeOf(tensor.shape) === before.length) values.set(name, toFloats(tensor))
  }
  return { ...network, values }
}

/** Keys of tensors whose values are not to the bit the same. */
function differing(before: OnnxFile, after: OnnxFile): Set<string> {
  const now = new Map(placesOf(after.proto).map(({ key, tensor }) => [key, tensor]))
  const places = placesOf(before.proto).filter(({ key, tensor }) => now.get(key) !== tensor)
  const other = places.filter(({ key }) => {
    const found = after.stored.get(key)?.().data
    return !found || Buffer.compare(found, before.stored.get(key)!().data) !== 0
  })
  return new Set(other.map(({ key }) => key))
}

/** Of a model that does not run here: tensors, by key, whose values are others than those that are stored. */
function changesOf({ stored }: OnnxFile, { tensors }: TensorFile): Map<string, StoredTensor> {
  const found = [...tensors].flatMap(([key, tensor]) => {
    const before = stored.get(key)?.()
    return before && before.data !== tensor.data ? [[key, merged(before, toFloats(tensor))] as const] : []
  })
  return new Map(found)
}

/** A network as an ONNX model. Throws UserError where a tensor is missing or has another shape. */
function exported(path: string, { tensors, metadata }: TensorFile, model: Model): Source {
  const graph = inferenceGraph(model)
  for (const { name, shape } of graph.stored()) {
    const tensor = tensors.get(name)
    if (!tensor) throw new UserError(`${path}: there is no tensor ${name}, which ${model.name} needs`)
    if (String(tensor.shape) !== String(shape))
      throw new UserError(`${path}: tensor ${name} has shape [${tensor.shape}], ${model.name} expects [${shape}]`)
  }
  const values = new Map(graph.stored().map(({ name }) => [name, toFloats(tensors.get(name)!)]))
  const file = openModel(exportNetwork({ model, metadata, graph, values: (name) => values.get(name)! }), path)
  return { file, target: file, changed: new Set(), network: { graph, values } }
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
