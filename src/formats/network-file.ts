/** @file Networks with their weights, written in the format that a file's name asks for: ONNX, HDF5, safetensors. */
import type { ModelProto } from 'onnx-buf'
import type { Valued } from '../engine/agreement.ts'
import { openMachine } from '../engine/machine.ts'
import { foldBatchNorm, type Values } from '../graph/fold-batch-norm.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { writeAtomically } from '../util/files.ts'
import { type CompactReport, compactNetwork } from './compact-network.ts'
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
  /** Without channels that are not needed: zero, constant or read by nothing. Default: all of them. */
  compact?: boolean
}

/** What is known of a written ONNX model. */
export interface Written {
  /** What it takes in each form. */
  forms?: Forms
  /** What went and what stayed of a compact one. */
  compact?: CompactReport
}

export interface StoredNetwork {
  weights: TensorFile
  /** Absent: a network that cannot be run here, of which only weights are known. */
  model?: Model
  /** The ONNX model that it was read from. */
  onnx?: OnnxModel
}

/** Throws UserError where an option is set that the format of a name does not have. */
export function checkForm(path: string, options: OnnxOptions): void {
  const [option] = Object.entries(options).find(([, value]) => value) ?? []
  if (option && !isOnnxName(path))
    throw new UserError(`${path}: ${option} is for ONNX models, expected a name that ends in .onnx`)
}

/**
 * Writes a network. An ONNX model that was read stays as it is but for its weights, unless an option changes its operators; others are written anew.
 * Throws UserError where the format cannot hold it.
 */
export async function writeNetwork(path: string, stored: StoredNetwork, options: OnnxOptions = {}): Promise<Written> {
  checkForm(path, options)
  if (!isOnnxName(path)) {
    await writeWeights(path, stored.weights)
    return {}
  }
  const { model, compact } = await onnxOf(path, stored, options)
  const halved = options.float16 ? inHalves(model) : model
  writeAtomically(path, onnxBytes(options.sparse ? sparsely(halved) : halved))
  return { forms: sizes(model), compact }
}

/** Whether options ask for other operators than those of an ONNX model that was read. */
export const changesOperators = ({ foldBatchNorm, compact }: OnnxOptions): boolean => Boolean(foldBatchNorm || compact)

async function onnxOf(
  path: string,
  { weights: { tensors, metadata }, model, onnx }: StoredNetwork,
  options: OnnxOptions,
): Promise<{ model: ModelProto; compact?: CompactReport }> {
  if (onnx && !changesOperators(options)) {
    const origins = onnx.network instanceof UserError ? new Map() : onnx.network.origins
    return { model: rewrite(onnx.file, tensors, origins, metadata) }
  }
  if (!model) throw new UserError(`${path}: only a network that runs here can be written anew`)
  const graph = inferenceGraph(model)
  const values: Values = new Map()
  for (const { name, shape } of graph.stored()) {
    const tensor = tensors.get(name)
    if (!tensor) throw new UserError(`${path}: there is no tensor ${name}, which ${model.name} needs`)
    if (String(tensor.shape) !== String(shape))
      throw new UserError(`${path}: tensor ${name} has shape [${tensor.shape}], ${model.name} expects [${shape}]`)
    values.set(name, toFloats(tensor))
  }
  const { report, ...written } = await changed(path, { graph, values }, options)
  const valuesOf = (name: string) => written.values.get(name)!
  return { model: exportNetwork({ model, metadata, graph: written.graph, values: valuesOf }), compact: report }
}

async function changed(
  path: string,
  network: Valued,
  { foldBatchNorm: folding = false, compact }: OnnxOptions,
): Promise<Valued & { report?: CompactReport }> {
  if (compact) return compactNetwork(await openMachine(), network, { folding, path })
  return folding ? foldBatchNorm(network.graph, network.values) : network
}
