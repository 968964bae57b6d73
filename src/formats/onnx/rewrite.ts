/**
 * @file A model with other values in its stored tensors: names, types, operators, metadata and everything
 * else stay as they are.
 */
import { create } from '@bufbuild/protobuf'
import {
  TensorProto_DataType as DataType,
  TensorProto_DataLocation as Location,
  type ModelProto,
  ModelProtoSchema,
  type SparseTensorProto,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { isMeasured } from '../measured.ts'
import { BYTES_PER, type DType, type StoredTensor, toFloats } from '../safetensors-bytes.ts'
import { changed } from './changed.ts'
import type { OnnxFile } from './file.ts'
import { toHalf } from './half.ts'
import { isSparse, mapPlaces } from './places.ts'
import { dtypes, readTensor } from './tensor.ts'

/**
 * The model with the given tensors in their places, by key (places.ts), each in the type and the order in
 * which the file stores it; metadata are joined with what is given. A tensor that is stored as nonzeros and
 * their places stays so. Values that are stored in other files move into this one.
 */
export function withTensors(
  file: OnnxFile,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): ModelProto {
  const model = mapPlaces(file.proto, ({ key, tensor }) => {
    const to = tensors.get(key)
    if (isSparse(tensor)) return to ? sparseTensor(to, tensor) : inlinedSparse(tensor, file)
    return to ? withValues(tensor, to) : inlined(tensor, file)
  })
  return withMetadata(model, metadata)
}

/**
 * A model with its metadata joined with what is given; what it says was measured of it stays only where that
 * is given, too, since other values may be meant.
 */
export function withMetadata(model: ModelProto, metadata: Readonly<Record<string, string>>): ModelProto {
  const entries = Object.entries(metadata)
  const there = new Map(model.metadataProps.map(({ key, value }) => [key, value]))
  const isStale = (key: string) => isMeasured(key) && !Object.hasOwn(metadata, key)
  if (entries.every(([key, value]) => there.get(key) === value) && ![...there.keys()].some(isStale)) return model
  const kept = model.metadataProps.filter(({ key }) => !Object.hasOwn(metadata, key) && !isStale(key))
  const added = entries.map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }))
  return changed(ModelProtoSchema, model, { metadataProps: [...kept, ...added] })
}

const emptied = {
  floatData: [],
  doubleData: [],
  int32Data: [],
  int64Data: [],
  uint64Data: [],
  externalData: [],
  dataLocation: Location.DEFAULT,
}

/** The tensor with the values and the shape of another, of its type. */
export function withValues(proto: TensorProto, { dtype, shape, data }: StoredTensor): TensorProto {
  if (dtypes[proto.dataType] !== dtype)
    throw new Error(`tensor ${proto.name} has the type ${DataType[proto.dataType]}, not ${dtype}`)
  const dims = shape.map(BigInt)
  return changed(TensorProtoSchema, proto, { ...emptied, dims, rawData: data as Uint8Array<ArrayBuffer> })
}

/** ONNX's names of types. */
const types = Object.fromEntries(Object.entries(dtypes).map(([type, dtype]) => [dtype, Number(type)]))

export const denseTensor = ({ dtype, shape, data }: StoredTensor, name = ''): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dataType: types[dtype],
    dims: shape.map(BigInt),
    rawData: data as Uint8Array<ArrayBuffer>,
  })

/**
 * A tensor as its nonzeros and their places, as `like` has them: one index for each, or one per axis. -0
 * counts as zero, NaN does not.
 */
export function sparseTensor(tensor: StoredTensor, like: SparseTensorProto): SparseTensorProto {
  const { name, docString } = like.values!
  return sparseForm(tensor, placesOfNonzeros(tensor), {
    perAxis: (like.indices?.dims.length ?? 1) > 1,
    values: { name, docString },
  })
}

/** The places, row-major, of all values but 0 and -0. */
export function placesOfNonzeros({ dtype, data }: StoredTensor): Float64Array {
  const width = BYTES_PER[dtype]
  // Of floats the highest bit of the last byte is the sign.
  const last = ['F64', 'F32', 'F16', 'BF16'].includes(dtype) ? 0x7f : 0xff
  const places = new Float64Array(data.length / width)
  let count = 0
  for (let i = 0, at = 0; at < data.length; i++) {
    const end = at + width - 1
    let bits = data[end] & last
    for (; at < end; at++) bits |= data[at]
    at++
    if (bits !== 0) places[count++] = i
  }
  return places.subarray(0, count)
}

/** Nonzeros at known places. */
export function sparseForm(
  { dtype, shape, data }: StoredTensor,
  places: Float64Array,
  { perAxis = false, values = {} }: { perAxis?: boolean; values?: { name?: string; docString?: string } } = {},
): SparseTensorProto {
  const width = BYTES_PER[dtype]
  const rawData = new Uint8Array(width * places.length)
  const rank = perAxis ? shape.length : 1
  const indices = new BigInt64Array(rank * places.length)
  places.forEach((place, i) => {
    for (let b = 0; b < width; b++) rawData[width * i + b] = data[width * place + b]
    for (let axis = rank - 1, rest = place; axis >= 0; axis--) {
      indices[i * rank + axis] = BigInt(axis === 0 ? rest : rest % shape[axis])
      rest = Math.floor(rest / shape[axis])
    }
  })
  const count = BigInt(places.length)
  return create(SparseTensorProtoSchema, {
    values: { ...values, dataType: types[dtype], dims: [count], rawData },
    indices: {
      dataType: DataType.INT64,
      dims: perAxis ? [count, BigInt(rank)] : [count],
      rawData: new Uint8Array(indices.buffer),
    },
    dims: shape.map(BigInt),
  })
}

/** The tensor with its bytes inside. */
function inlined(proto: TensorProto, { path, external }: OnnxFile): TensorProto {
  if (proto.externalData.length === 0) return proto
  const { data } = readTensor(proto, `${path}: tensor ${proto.name}`, external)
  return changed(TensorProtoSchema, proto, { ...emptied, rawData: data as Uint8Array<ArrayBuffer> })
}

function inlinedSparse(proto: SparseTensorProto, file: OnnxFile): SparseTensorProto {
  const parts = [proto.values, proto.indices].map((part) => part && inlined(part, file))
  if (parts[0] === proto.values && parts[1] === proto.indices) return proto
  return changed(SparseTensorProtoSchema, proto, { values: parts[0], indices: parts[1] })
}

/**
 * Values of a float type in the bytes of a stored tensor, where they differ from its own as float32: what
 * stays the same keeps its bits. Values that the type cannot hold become infinite.
 */
export function merged(stored: StoredTensor, values: ArrayLike<number>): StoredTensor {
  const before = toFloats(stored)
  let data: Uint8Array | undefined
  let write: ((at: number, value: number) => void) | undefined
  for (let i = 0; i < before.length; i++) {
    if (Object.is(before[i], values[i])) continue
    data ??= Uint8Array.from(stored.data)
    write ??= writer(stored.dtype, new DataView(data.buffer))
    write(i, values[i])
  }
  return data ? { ...stored, data } : stored
}

/** Floats as a tensor of a float type. */
export const floatsAs = (dtype: DType, shape: readonly number[], values: ArrayLike<number>): StoredTensor =>
  merged({ dtype, shape, data: new Uint8Array(values.length * BYTES_PER[dtype]) }, values)

/** Writes a float at an index. */
export function writer(dtype: DType, view: DataView): (at: number, value: number) => void {
  if (dtype === 'F64') return (at, value) => view.setFloat64(8 * at, value, true)
  if (dtype === 'F32') return (at, value) => view.setFloat32(4 * at, value, true)
  if (dtype === 'F16') return (at, value) => view.setUint16(2 * at, toHalf(value), true)
  if (dtype !== 'BF16') throw new Error(`${dtype} holds no floats`)
  const bits = new DataView(new ArrayBuffer(4))
  // The upper half of a float, to the nearest even.
  return (at, value) => {
    bits.setFloat32(0, value)
    const x = bits.getUint32(0)
    view.setUint16(2 * at, Number.isNaN(value) ? 0x7fc0 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16, true)
  }
}
