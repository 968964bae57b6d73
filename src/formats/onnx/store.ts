/** @file How a model's floats are stored: all values, only nonzeros with their places, in half precision; and what each takes, also compressed. */
import { brotliCompressSync, constants } from 'node:zlib'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  type SparseTensorProto,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { changed } from './changed.ts'
import { halves } from './rewrite.ts'
import { wholeNumbers } from './write-node.ts'

const inGraph = (
  model: ModelProto,
  change: (graph: GraphProto) => MessageInitShape<typeof GraphProtoSchema>,
): ModelProto =>
  changed(ModelProtoSchema, model, { graph: changed(GraphProtoSchema, model.graph!, { ...change(model.graph!) }) })

/** Bytes of one index of a nonzero. */
const INDEX_BYTES = 8

/** The places of the nonzeros of a tensor of float32. */
function nonzerosOf({ rawData }: TensorProto): number[] {
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength)
  const places: number[] = []
  for (let i = 0; i < rawData.length / 4; i++) if (view.getFloat32(4 * i, true) !== 0) places.push(i)
  return places
}

/** A tensor as its nonzeros, where that takes less: where more than two thirds of its values, float32, are zero. */
function sparseForm(proto: TensorProto): SparseTensorProto | undefined {
  if (proto.dataType !== DataType.FLOAT || proto.rawData.length === 0) return undefined
  const places = nonzerosOf(proto)
  if (places.length * (4 + INDEX_BYTES) >= proto.rawData.length) return undefined
  const rawData = new Uint8Array(4 * places.length)
  places.forEach((place, i) => {
    rawData.set(proto.rawData.subarray(4 * place, 4 * place + 4), 4 * i)
  })
  const values = changed(TensorProtoSchema, proto, { dims: [BigInt(places.length)], rawData })
  return create(SparseTensorProtoSchema, { values, indices: wholeNumbers(places), dims: proto.dims })
}

/** Initializers as SparseTensorProto where that is smaller. */
export function sparsely(model: ModelProto): ModelProto {
  return inGraph(model, ({ initializer }) => {
    const forms = initializer.map(sparseForm)
    return {
      initializer: initializer.filter((_, i) => !forms[i]),
      sparseInitializer: forms.filter((form) => form !== undefined),
    }
  })
}

/** Weights (matrices and kernels) of float32 in half precision: stored as `<name>.float16`, and made float32 again by a Cast that has their name. */
export function inHalves(model: ModelProto): ModelProto {
  const isWeight = ({ dataType, dims }: TensorProto) => dataType === DataType.FLOAT && dims.length > 1
  return inGraph(model, ({ initializer, node, input }) => {
    const weights = initializer.filter(isWeight)
    const names = new Set(weights.map(({ name }) => name))
    const half = (name: string) => `${name}.float16`
    const to = { name: 'to', type: AttributeType.INT, i: BigInt(DataType.FLOAT) }
    return {
      initializer: initializer.map((proto) => (names.has(proto.name) ? halves(proto, half(proto.name)) : proto)),
      node: [
        ...weights.map(({ name }) =>
          create(NodeProtoSchema, {
            opType: 'Cast',
            name: `${name}.cast`,
            input: [half(name)],
            output: [name],
            attribute: [to],
          }),
        ),
        ...node,
      ],
      // Before version 4 of the format initializers were inputs, too.
      input: input.filter(({ name }) => !names.has(name)),
    }
  })
}

/** Bytes of a model as it is, and compressed with brotli as web servers do. */
export interface Size {
  bytes: number
  brotli: number
}

/** Brotli's quality, of 11: what servers use, and fast enough for a network of 100 MB. */
const QUALITY = 5

export function sizeOf(bytes: Uint8Array): Size {
  const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY }
  return { bytes: bytes.length, brotli: brotliCompressSync(bytes, { params }).length }
}

/** What a model takes by how its floats are stored. */
export type Forms = Record<'dense' | 'sparse' | 'float16', Size>

export function sizes(model: ModelProto): Forms {
  const of = (stored: ModelProto) => sizeOf(toBinary(ModelProtoSchema, stored))
  return { dense: of(model), sparse: of(sparsely(model)), float16: of(inHalves(model)) }
}
