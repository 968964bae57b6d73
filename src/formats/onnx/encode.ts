/**
 * @file The bytes of a model, in parts that share the memory of its tensors: what is written needs no second
 * copy of the weights. A model that would pass the limit of the format, 2 GiB, has its large tensors in a
 * file beside it.
 */
import { toBinary } from '@bufbuild/protobuf'
import {
  type GraphProto,
  GraphProtoSchema,
  TensorProto_DataLocation as Location,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { changed } from './changed.ts'

/** What protobuf holds at most. */
const MOST_BYTES = 2 ** 31 - 1
/** Tensors below this many bytes are not worth a part of their own, nor a place in another file. */
const LARGE = 4096
/** Large tensors begin at multiples of it, as memory is mapped. */
const PAGE = 4096

/** Numbers of protobuf's fields, each with the type "bytes follow". */
const field = (number: number) => (number << 3) | 2
const FIELDS = { graph: field(7), initializer: field(5), rawData: field(9) }

/** The bytes of the model, one part after the other. */
export function encodeModel(model: ModelProto): Uint8Array[] {
  const { graph } = model
  if (!graph) return [toBinary(ModelProtoSchema, model)]
  const inner = encodeGraph(graph)
  return [
    toBinary(ModelProtoSchema, changed(ModelProtoSchema, model, { graph: undefined })),
    prefix(FIELDS.graph, lengthOf(inner)),
    ...inner,
  ]
}

export const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0)

function encodeGraph(graph: GraphProto): Uint8Array[] {
  const large = graph.initializer.filter(isLarge)
  const rest = changed(GraphProtoSchema, graph, { initializer: graph.initializer.filter((one) => !isLarge(one)) })
  const parts = large.map((tensor) => {
    const { rawData } = tensor
    const head = toBinary(TensorProtoSchema, changed(TensorProtoSchema, tensor, { rawData: undefined }))
    return [head, prefix(FIELDS.rawData, rawData.length), rawData]
  })
  return [
    toBinary(GraphProtoSchema, rest),
    ...parts.flatMap((tensor) => [prefix(FIELDS.initializer, lengthOf(tensor)), ...tensor]),
  ]
}

const isLarge = ({ rawData }: TensorProto) => rawData.length >= LARGE

/** A field's number and the length of its bytes, as varints. */
function prefix(tag: number, length: number): Uint8Array {
  const bytes = [tag]
  let rest = length
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Uint8Array.from([...bytes, rest])
}

/** A model whose large tensors lie in another file, and that file. */
export interface Divided {
  model: ModelProto
  data: Uint8Array[]
}

/**
 * Where the model would pass `most` bytes (default: what protobuf holds), its large tensors in a file called
 * `location`; else undefined.
 */
export function divided(model: ModelProto, location: string, most = MOST_BYTES): Divided | undefined {
  if (lengthOf(encodeModel(model)) <= most) return undefined
  const data: Uint8Array[] = []
  let end = 0
  const initializer = model.graph!.initializer.map((tensor) => {
    if (!isLarge(tensor)) return tensor
    const { rawData } = tensor
    const gap = (PAGE - (end % PAGE)) % PAGE
    const offset = end + gap
    data.push(new Uint8Array(gap), rawData)
    end = offset + rawData.length
    const entries = Object.entries({ location, offset, length: rawData.length })
    return changed(TensorProtoSchema, tensor, {
      rawData: undefined,
      dataLocation: Location.EXTERNAL,
      externalData: entries.map(([key, value]) => ({ key, value: String(value) })),
    })
  })
  return {
    model: changed(ModelProtoSchema, model, { graph: changed(GraphProtoSchema, model.graph!, { initializer }) }),
    data,
  }
}
