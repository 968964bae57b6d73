/** @file A model with other values in its stored tensors: names, operators, metadata and everything else stay as they are. */
import { create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  TensorProto_DataLocation as Location,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { type StoredTensor, toFloats } from '../safetensors-bytes.ts'
import { changed } from './changed.ts'
import type { OnnxFile } from './file.ts'
import { toHalf } from './half.ts'
import { readTensor } from './tensor.ts'
import { type Origin, transposed } from './value.ts'

/**
 * The model with the given tensors, by the names and in the order in which the network has them (see {@link Origin}), and its metadata joined with
 * what is given. Values that are stored in other files move into this one.
 */
export function rewrite(
  file: OnnxFile,
  tensors: ReadonlyMap<string, StoredTensor>,
  origins: ReadonlyMap<string, Origin>,
  metadata: Readonly<Record<string, string>> = {},
): ModelProto {
  const replaced = (name: string, proto: TensorProto): TensorProto => {
    const tensor = tensors.get(name)
    if (!tensor) return inlined(proto, file)
    const values = toFloats(tensor)
    const turned = origins.get(name)?.transposed ? transposed(values, tensor.shape[0], tensor.shape[1]) : values
    return withValues(proto, turned)
  }
  const graph: GraphProto = changed(GraphProtoSchema, file.graph, {
    initializer: [
      ...file.graph.initializer.map((proto) => replaced(proto.name, proto)),
      // Sparse ones become dense again: how they are to be written is decided later.
      ...file.graph.sparseInitializer.map(({ values, dims }) =>
        withValues(
          create(TensorProtoSchema, { name: values!.name, dims, dataType: DataType.FLOAT }),
          toFloats(tensors.get(values!.name) ?? file.stored.get(values!.name)!()),
        ),
      ),
    ],
    sparseInitializer: [],
    node: file.graph.node.map((node) =>
      node.opType === 'Constant' && tensors.has(node.output[0])
        ? changed(NodeProtoSchema, node, {
            attribute: node.attribute.map((attribute) =>
              withTensor(attribute, (proto) => replaced(node.output[0], proto)),
            ),
          })
        : node,
    ),
  })
  const kept = file.proto.metadataProps.filter(({ key }) => !Object.hasOwn(metadata, key))
  const added = Object.entries(metadata).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }))
  return changed(ModelProtoSchema, file.proto, { graph, metadataProps: [...kept, ...added] })
}

const withTensor = (attribute: AttributeProto, change: (proto: TensorProto) => TensorProto): AttributeProto =>
  attribute.t ? changed(AttributeProtoSchema, attribute, { t: change(attribute.t) }) : attribute

const emptied = {
  floatData: [],
  doubleData: [],
  int32Data: [],
  int64Data: [],
  externalData: [],
  dataLocation: Location.DEFAULT,
}

/** The tensor with other values, in its own type. */
function withValues(proto: TensorProto, values: ArrayLike<number>): TensorProto {
  return changed(TensorProtoSchema, proto, { ...emptied, rawData: bytesOf(values, proto.dataType) })
}

/** A tensor of float32 under another name, in half precision. */
export function halves(proto: TensorProto, name: string): TensorProto {
  const { rawData, floatData } = proto
  const floats = rawData.length > 0 ? toFloats({ dtype: 'F32', shape: [], data: rawData }) : floatData
  return withValues(changed(TensorProtoSchema, proto, { name, dataType: DataType.FLOAT16 }), floats)
}

function bytesOf(values: ArrayLike<number>, type: DataType): Uint8Array<ArrayBuffer> {
  if (type === DataType.DOUBLE) return new Uint8Array(Float64Array.from(values).buffer)
  const floats = Float32Array.from(values)
  if (type === DataType.FLOAT16) return new Uint8Array(Uint16Array.from(floats, toHalf).buffer)
  if (type === DataType.FLOAT) return new Uint8Array(floats.buffer)
  // bfloat16 is the upper half of a float, to the nearest even.
  const bits = new Uint32Array(floats.buffer)
  return new Uint8Array(Uint16Array.from(bits, (x) => (x + 0x7fff + ((x >>> 16) & 1)) >>> 16).buffer)
}

/** The tensor with its bytes inside. */
function inlined(proto: TensorProto, { path, external }: OnnxFile): TensorProto {
  if (proto.externalData.length === 0) return proto
  const { data } = readTensor(proto, `${path}: tensor ${proto.name}`, external)
  return changed(TensorProtoSchema, proto, { ...emptied, rawData: Uint8Array.from(data) })
}
