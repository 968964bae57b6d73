/** @file Graphs of our own as ONNX models, and a network with its weights as one. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  TensorProto_DataType as DataType,
  type ModelProto,
  ModelProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf'
import { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import { dropDeadNodes } from '../../graph/simplify.ts'
import { type Shape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import type { Model } from '../../models/model.ts'
import { vocabularyText } from './vocabulary.ts'
import { lookupsIn, writeLookup } from './write-lookup.ts'
import { OPSET, type TensorInit, writeNode } from './write-node.ts'

/** Version of the file format that goes with the operators. */
const IR_VERSION = 8n

export interface Exported {
  inputs: readonly Tensor[]
  /** Stored tensors, as they are written. */
  initializers: readonly TensorInit[]
  metadata?: Readonly<Record<string, string>>
  /** What the number of samples is called, where any will do. Absent: the graph's own. */
  batch?: string
}

/** A graph as an ONNX model. Throws where an operator is not ONNX's. */
export function exportGraph(graph: Graph, { inputs, initializers, metadata = {}, batch }: Exported): ModelProto {
  const lookups = lookupsIn(graph)
  const written = (node: Node, i: number) => {
    if (!lookups.has(node)) return writeNode(node, `node${i}`)
    const lookup = lookups.get(node)
    return lookup ? writeLookup(lookup, `node${i}`) : []
  }
  return create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'espalier',
    opsetImport: [{ domain: '', version: BigInt(OPSET) }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: 'graph',
      input: inputs.map((tensor) => valueInfo(tensor.name, tensor, batch)),
      initializer: [...initializers, ...graph.withRole('constant').map(constant)],
      node: [
        ...graph.nodes.flatMap(written),
        // An output may be an input, or have two names.
        ...[...graph.outputs].map(([name, { name: from }]) => ({
          opType: 'Identity',
          input: [from],
          output: [outputName(name, inputs)],
        })),
      ],
      output: [...graph.outputs].map(([name, tensor]) => valueInfo(outputName(name, inputs), tensor, batch)),
    },
  })
}

/** The name of an output in the model: its own, unless an input has it. */
export const outputName = (name: string, inputs: readonly Tensor[]): string =>
  inputs.some((input) => input.name === name) ? `${name} (output)` : name

export interface NetworkExport {
  model: Model
  /** Values of parameters and buffers by name, row-major. */
  values: (name: string) => ArrayLike<number>
  metadata?: Readonly<Record<string, string>>
  /** Changes the graph before it is written, such as folding. */
  graph?: Graph
}

/**
 * The graph of a network that is used: input `images`, output `logits`, where the network says so with what
 * closes it.
 */
export function inferenceGraph(model: Model, batch = 1): Graph {
  const graph = new Graph()
  const logits = model.build(graph, graph.input('images', [batch, ...model.image]), false)
  graph.output('logits', model.closing?.(graph, logits) ?? logits)
  return dropDeadNodes(graph)
}

/**
 * A network with its weights as an ONNX model for batches of any size: `images` [N, C, H, W] to `logits` [N,
 * classes].
 */
export function exportNetwork({ model, values, metadata, graph = inferenceGraph(model) }: NetworkExport): ModelProto {
  const stored = graph.stored()
  const initializers = stored.map(({ name, shape }) => floats(name, shape, values(name)))
  const facts = { ...metadata, ...vocabularyText(model) }
  return exportGraph(graph, { inputs: graph.withRole('input'), initializers, metadata: facts, batch: 'N' })
}

export const onnxBytes = (model: ModelProto): Uint8Array => toBinary(ModelProtoSchema, model)

/** A tensor of float32. */
export function floats(name: string, shape: Shape, values: ArrayLike<number>): TensorInit {
  const rawData = new Uint8Array(Float32Array.from(values).buffer)
  return { name, dims: shape.map(BigInt), dataType: DataType.FLOAT, rawData }
}

const constant = ({ name, shape, values }: Tensor): TensorInit =>
  floats(name, shape, typeof values === 'number' ? new Float32Array(sizeOf(shape)).fill(values) : values!)

function valueInfo(
  name: string,
  { shape, batched }: Tensor,
  batch?: string,
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((n, axis) =>
    batched && axis === 0 && batch !== undefined
      ? { value: { case: 'dimParam' as const, value: batch } }
      : { value: { case: 'dimValue' as const, value: BigInt(n) } },
  )
  return { name, type: { value: { case: 'tensorType', value: { elemType: DataType.FLOAT, shape: { dim } } } } }
}
