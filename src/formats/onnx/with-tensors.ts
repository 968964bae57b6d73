/** @file A model with other values in the places of stored tensors; everything else stays as it is. */
import { create } from '@bufbuild/protobuf'
import {
  TensorProto_DataLocation as Location,
  type ModelProto,
  ModelProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { BYTES_PER, type StoredTensor } from '../safetensors-bytes.ts'
import { changed } from './changed.ts'
import type { OnnxFile } from './file.ts'
import { isSparse, mapPlaces } from './places.ts'
import { readTensor } from './tensor.ts'
import { wholeNumbers } from './write-node.ts'

const emptied = {
  ...{ floatData: [], doubleData: [], int32Data: [], int64Data: [], externalData: [] },
  dataLocation: Location.DEFAULT,
}

/** The model with these tensors, by key, each in the type and shape of its place; sparse places stay sparse. Values in other files move inside. */
export function withTensors(
  file: OnnxFile,
  changes: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): ModelProto {
  const dense = (proto: TensorProto, data: Uint8Array, dims = proto.dims) =>
    changed(TensorProtoSchema, proto, { ...emptied, dims, rawData: data as Uint8Array<ArrayBuffer> })
  const model = mapPlaces(file.proto, ({ key, tensor }) => {
    const made = changes.get(key)
    if (isSparse(tensor)) {
      if (!made) return tensor
      const places = nonzerosOf(made)
      const width = BYTES_PER[made.dtype]
      const data = new Uint8Array(places.length * width)
      places.forEach((place, i) => {
        data.set(made.data.subarray(place * width, (place + 1) * width), i * width)
      })
      const values = dense(tensor.values!, data, [BigInt(places.length)])
      return create(SparseTensorProtoSchema, { values, indices: wholeNumbers(places), dims: tensor.dims })
    }
    if (made) return dense(tensor, made.data)
    if (tensor.externalData.length === 0) return tensor
    return dense(tensor, readTensor(tensor, `${file.path}: tensor ${key}`, file.external).data)
  })
  const kept = file.proto.metadataProps.filter(({ key }) => !Object.hasOwn(metadata, key))
  const added = Object.entries(metadata).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }))
  return changed(ModelProtoSchema, model, { metadataProps: [...kept, ...added] })
}

function nonzerosOf({ dtype, data }: StoredTensor): number[] {
  const width = BYTES_PER[dtype]
  const places: number[] = []
  for (let at = 0; at < data.length; at += width)
    if (data.subarray(at, at + width).some((byte) => byte !== 0)) places.push(at / width)
  return places
}
