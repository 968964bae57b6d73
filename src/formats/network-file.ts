/** @file Networks with their weights, written in the format that a file's name asks for: ONNX, HDF5, safetensors. */
import type { ModelProto } from 'onnx-buf'
import { foldBatchNorm } from '../graph/fold-batch-norm.ts'
import type { Graph } from '../graph/graph.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { writeAtomically } from '../util/files.ts'
import { exportNetwork, inferenceGraph, onnxBytes } from './onnx/export.ts'
import { isOnnxName } from './onnx/file.ts'
import type { OnnxModel } from './onnx/onnx.ts'
import { rewrite } from './onnx/rewrite.ts'
import { type Forms, inHalves, sizes, sparsely } from './onnx/store.ts'
import { type TensorFile, toFloats } from './safetensors.ts'
import { writeWeights } from './weights-file.ts'

/** How an ONNX file is written. */
export interface OnnxOptions {
  /** Weights with many zeros as nonzeros and their places (SparseTensorProto). Default: all values. */
  sparse?: boolean
  /** Weights in half precision. Default: as they are. */
  float16?: boolean
  /** Batch normalizations as part of the convolutions before them. Default: as they are. */
  foldBatchNorm?: boolean
}

export interface StoredNetwork {
  weights: TensorFile
  /** Absent: a network that cannot be run here, of which only weights are known. */
  model?: Model
  /** The ONNX model that it was read from. */
  onnx?: OnnxModel
}

/**
 * Writes a network. An ONNX model that was read stays as it is but for its weights; others are written anew. Returns what an ONNX model takes in each form.
 * Throws UserError where the format cannot hold it.
 */
export async function writeNetwork(
  path: string,
  stored: StoredNetwork,
  options: OnnxOptions = {},
): Promise<Forms | undefined> {
  if (!isOnnxName(path)) {
    const [option] = Object.entries(options).find(([, value]) => value) ?? []
    if (option) throw new UserError(`${path}: ${option} is for ONNX models, expected a name that ends in .onnx`)
    await writeWeights(path, stored.weights)
    return undefined
  }
  const model = onnxOf(path, stored, options)
  const halved = options.float16 ? inHalves(model) : model
  writeAtomically(path, onnxBytes(options.sparse ? sparsely(halved) : halved))
  return sizes(model)
}

function onnxOf(
  path: string,
  { weights, model, onnx }: StoredNetwork,
  { foldBatchNorm: folding }: OnnxOptions,
): ModelProto {
  const { tensors, metadata } = weights
  if (onnx && !folding) {
    const origins = onnx.network instanceof UserError ? new Map() : onnx.network.origins
    return rewrite(onnx.file, tensors, origins, metadata)
  }
  if (!model) throw new UserError(`${path}: only a network that runs here can be written anew`)
  const values = new Map([...tensors].map(([name, tensor]) => [name, toFloats(tensor)]))
  const graph = inferenceGraph(model)
  const written: { graph: Graph; values: ReadonlyMap<string, ArrayLike<number>> } = folding
    ? foldBatchNorm(graph, values)
    : { graph, values }
  const valuesOf = (name: string) => {
    const found = written.values.get(name)
    if (found) return found
    throw new UserError(`${path}: there is no tensor ${name}, which ${model.name} needs`)
  }
  return exportNetwork({ model, metadata, graph: written.graph, values: valuesOf })
}
