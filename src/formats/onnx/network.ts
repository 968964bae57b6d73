/**
 * @file An ONNX file as a network of the kind that is trained and pruned: images in, one row of scores per
 * sample out.
 */
import { Graph } from '../../graph/graph.ts'
import { sigmoid } from '../../graph/operators/elementwise.ts'
import type { Shape, Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { BYTES_PER, type StoredTensor, storeFloats } from '../safetensors-bytes.ts'
import { beforeSigmoid } from './closing-sigmoid.ts'
import type { OnnxFile } from './file.ts'
import type { ImportOptions } from './input.ts'
import { NetworkReader } from './read-network.ts'
import { type Origin, Unsupported } from './scope.ts'
import { transpose } from './value.ts'

/** Samples of the batch that a file is tried with: a number that is hardly a size of a network. */
const SAMPLES = 23

export interface OnnxNetwork {
  model: Model
  /** Parameters and buffers as the model has them, in the types in which they are stored. */
  tensors: Map<string, StoredTensor>
  /** Where they come from, by the same names. */
  origins: ReadonlyMap<string, Origin>
}

/**
 * What the model computes before its last softmax, or the sigmoid of its one score, [N, classes]: its logits.
 * Throws UserError, or Unsupported where a node cannot be run.
 */
export function importOnnx(file: OnnxFile, options: ImportOptions = {}): OnnxNetwork {
  const reader = new NetworkReader(file, options)
  const { image } = reader.input
  const build = (graph: Graph, images: Tensor, training: boolean) => {
    const { scope, values } = reader.translate(graph, images, { training, outputs: [reader.logits] })
    return { scope, output: reader.rowsOf(values, reader.logits, scope) }
  }
  const graph = new Graph()
  const { scope, output } = build(graph, graph.input('images', [SAMPLES, ...image]), false)
  if (!output.batched || output.shape.length !== 2)
    throw new Unsupported(
      `${file.path}: its output has the shape [${output.shape}], expected one row of scores per sample`,
    )
  const tensors = new Map(
    graph.stored().map(({ name, shape }) => [name, storedAs(file, scope.origins.get(name)!, shape)]),
  )
  const model: Model = {
    name: file.path,
    summary: `ONNX model, ${file.graph.node.length} nodes`,
    image,
    classes: output.shape[1],
    build: (into, images, training) => {
      const { output } = build(into, images, training)
      return beforeSigmoid(into, output) ?? output
    },
    ...(beforeSigmoid(graph, output) && { closing: sigmoid }),
  }
  return { model, tensors, origins: scope.origins }
}

/**
 * Known numbers in the order of the parameter that they become, in the type in which they are stored;
 * computed ones as float32.
 */
export function storedAs(file: OnnxFile, { source, values }: Origin, shape: Shape): StoredTensor {
  if (!source) return storeFloats(Float32Array.from(values()), shape)
  const tensor = file.stored.get(source.key)!()
  if (!source.transposed) return { ...tensor, shape }
  // Made when it is asked for: pruning by value never asks.
  let data: Uint8Array | undefined
  return {
    dtype: tensor.dtype,
    shape,
    get data() {
      data ??= turned(tensor, shape)
      return data
    },
  }
}

/** The bytes of a matrix with rows and columns exchanged; `shape` is that of the result. */
function turned({ dtype, data }: StoredTensor, [rows, columns]: Shape): Uint8Array {
  const { buffer } = new Uint8Array(data)
  const [from, to] = [buffer, new ArrayBuffer(buffer.byteLength)].map((bytes) =>
    BYTES_PER[dtype] === 2
      ? new Uint16Array(bytes)
      : BYTES_PER[dtype] === 4
        ? new Uint32Array(bytes)
        : new Float64Array(bytes),
  )
  transpose(from, to, columns, rows)
  return new Uint8Array(to.buffer)
}
