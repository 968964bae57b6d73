/** @file An ONNX file as a network of the kind that is trained and pruned: one row of scores per sample. */
import { Graph } from '../../graph/graph.ts'
import { sigmoid } from '../../graph/operators/elementwise.ts'
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { unless } from '../../util/unless.ts'
import { BYTES_PER, type StoredTensor, storeFloats } from '../safetensors-bytes.ts'
import { beforeSigmoid } from './closing-sigmoid.ts'
import { feedImages } from './feeds.ts'
import type { OnnxFile } from './file.ts'
import { type BuildRows, inTurn } from './in-turn.ts'
import { type ImportOptions, imageInput, partOf } from './input.ts'
import { NetworkReader } from './read-network.ts'
import { mixingIn, rowNetwork } from './row-network.ts'
import { Mixed, type Origin, type Scope, Unsupported } from './scope.ts'
import { transpose } from './value.ts'
import { vocabularyIn } from './vocabulary.ts'

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
 * A network that tells classes apart, where the model takes one batch of images and its one output that
 * counts is a row of scores per sample: what it computes before its last softmax, or the sigmoid of its one
 * score, [N, classes]: its logits. Any other model is a network from rows of all its inputs to rows of all
 * its outputs. Throws UserError, or Unsupported where a node cannot be run.
 */
export function importOnnx(file: OnnxFile, options: ImportOptions = {}): OnnxNetwork {
  const reader = new NetworkReader(file, options)
  try {
    return classifier(file, reader, options) ?? ofRows(file, reader, options)
  } catch (error) {
    // What is written for one sample may have its shapes in numbers, and is then run sample by sample.
    if (!(error instanceof UserError && reader.fixedBatch === 1)) throw error
    return attempted(() => ofRows(file, reader, options), error)
  }
}

/** What is made; throws `otherwise` where that fails. */
function attempted<T>(make: () => T, otherwise: UserError): T {
  try {
    return make()
  } catch {
    throw otherwise
  }
}

/** What every network of a file is. */
const described = (file: OnnxFile) => ({
  name: file.path,
  summary: `ONNX model, ${file.graph.node.length} nodes`,
})

/**
 * Undefined where the model is none; throws where it would be, but does not run here. Where the samples of a
 * batch are mixed, they are run one by one, and it is one if it is for a single sample.
 */
function classifier(file: OnnxFile, reader: NetworkReader, options: ImportOptions): OnnxNetwork | undefined {
  if (reader.counted.outputs.length > 1 || reader.ending.lacking.length > 0) return undefined
  const input = imageInput(file, options)
  if (input instanceof Unsupported) return undefined
  const { first } = reader
  const build = (graph: Graph, images: Tensor, training: boolean, beside?: Scope) => {
    const fed = feedImages(graph, images, input)
    return reader.translate(graph, fed, { training, outputs: [first.name], beside })
  }
  const attempt = (samples: number) => {
    const graph = new Graph()
    const translated = build(graph, graph.input('images', [samples, ...input.image]), false)
    const { scope, values } = translated
    return { graph, translated, shape: reader.tensorOf(values, first.name, scope).shape }
  }
  const together = unless(Mixed, () => attempt(SAMPLES))
  if (together && !isRow(together.shape, SAMPLES)) return undefined
  const mixing = together && mixingIn(reader, together.translated)
  const oneByOne = !together || mixing !== undefined
  if (oneByOne && (reader.fixedBatch ?? 1) !== 1) return undefined
  const { graph, translated, shape } = oneByOne ? attempt(1) : together
  if (oneByOne && !isRow(shape, 1)) return undefined
  const { scope, values } = translated
  const output = reader.rowsOf(values, first.name, scope)
  const closing = beforeSigmoid(graph, output) && sigmoid
  const { name, summary } = described(file)
  const model: Model = {
    name,
    summary: mixing === undefined ? summary : `${summary}; ${mixing}`,
    image: input.image,
    classes: output.shape[1],
    inputs: [partOf(input)],
    output: reader.counted.outputs[0],
    softmax: first.softmax || closing !== undefined,
    ...vocabularyIn(file, input.image),
    ...(oneByOne && { oneByOne }),
    ...(mixing && { note: mixing }),
    build: (into, images, training) => {
      const some: BuildRows = (samples, beside) => {
        const built = build(into, samples, training, beside)
        const rows = reader.rowsOf(built.values, first.name, built.scope)
        return { scope: built.scope, scores: beforeSigmoid(into, rows) ?? rows }
      }
      return (oneByOne ? inTurn(into, images, some) : some(images)).scores
    },
    ...(closing && { closing }),
  }
  return { model, tensors: storedOf(file, graph, scope), origins: scope.origins }
}

/** Whether an output is one score or a list of them for each of so many samples. */
const isRow = ([first, ...rest]: Shape, samples: number) => first === samples && rest.filter((n) => n > 1).length <= 1

function ofRows(file: OnnxFile, reader: NetworkReader, options: ImportOptions): OnnxNetwork {
  const { image, inputs, outputs, oneByOne, mixing, build } = rowNetwork(file, reader, options)
  const graph = new Graph()
  const { scope } = build(graph, graph.input('images', [reader.fixedBatch ?? 1, ...image]), false)
  const { name, summary } = described(file)
  const [end] = reader.ending.lacking
  const reasons = [end?.reason, mixing].filter((reason) => reason !== undefined)
  const model: Model = {
    name,
    summary: [summary, ...reasons].join('; '),
    image,
    classes: outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    inputs,
    outputs,
    ...(oneByOne && { oneByOne }),
    ...(mixing && { note: mixing }),
    build: (into, samples, training) => build(into, samples, training).scores,
  }
  return { model, tensors: storedOf(file, graph, scope), origins: scope.origins }
}

const storedOf = (file: OnnxFile, graph: Graph, { origins }: Scope) =>
  new Map(graph.stored().map(({ name, shape }) => [name, storedAs(file, origins.get(name)!, shape)] as const))

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
