/**
 * @file Networks with their weights as ONNX models in memory: made of a built-in network, or those that were
 * read, with other values. Needs no Node.
 */
import type { Valued } from '../engine/agreement.ts'
import { sizeOf } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { sameBytes } from '../util/same-bytes.ts'
import { exportNetwork, inferenceGraph } from './onnx/export.ts'
import { type OnnxFile, openModel } from './onnx/file.ts'
import type { ImportOptions } from './onnx/input.ts'
import { withNetwork } from './onnx/network-weights.ts'
import type { OnnxModel } from './onnx/onnx.ts'
import { placesOf } from './onnx/places.ts'
import { merged, withMetadata, withTensors } from './onnx/rewrite.ts'
import { type Whole, wholeNetwork } from './onnx/whole-network.ts'
import { type StoredTensor, type TensorFile, toFloats } from './safetensors-bytes.ts'

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

export interface Source {
  /** The model as it was read, or made of a network. */
  file: OnnxFile
  /** The same with the values that are to be written. */
  target: OnnxFile
  /** Keys of tensors that differ between the two on purpose. */
  changed: ReadonlySet<string>
  reading?: ImportOptions
  /** The network that the model was made of: images in, logits out. */
  network?: Valued
  /** What the model that was read computes with the weights that are to be written. */
  meant?: () => Valued & Partial<Whole>
}

/**
 * What is to be written under a name: a network as an ONNX model, or the model that was read, with other
 * values. Throws UserError where the network is none that can be.
 */
export function sourceOf(path: string, { weights, model, onnx, changed }: StoredNetwork): Source {
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
    return !found || !sameBytes(found, before.stored.get(key)!().data)
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
 * A network as the ONNX model that is written of it, before channels are left out; messages call it `path`.
 */
export const asOnnx = (path: string, stored: StoredNetwork): OnnxFile => sourceOf(path, stored).target
