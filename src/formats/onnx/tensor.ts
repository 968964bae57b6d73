/**
 * @file Tensors in ONNX files: as raw bytes, as typed lists, in files beside the model, or as nonzeros with
 * their places.
 */
import { TensorProto_DataType as DataType, type SparseTensorProto, type TensorProto } from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import { BYTES_PER, type DType, type StoredTensor, toFloats } from '../safetensors-bytes.ts'

/** The types that are read; tensors of others stay as they are in a file. */
export const dtypes: Readonly<Record<number, DType>> = {
  [DataType.FLOAT]: 'F32',
  [DataType.DOUBLE]: 'F64',
  [DataType.FLOAT16]: 'F16',
  [DataType.BFLOAT16]: 'BF16',
  [DataType.INT64]: 'I64',
  [DataType.INT32]: 'I32',
  [DataType.INT16]: 'I16',
  [DataType.INT8]: 'I8',
  [DataType.UINT8]: 'U8',
  [DataType.BOOL]: 'BOOL',
}

export const isFloating = (dtype: DType | undefined): boolean =>
  dtype !== undefined && ['F32', 'F64', 'F16', 'BF16'].includes(dtype)

/**
 * Some bytes of the file at a path that a model names, relative to the model. Throws UserError where there
 * are none such.
 */
export type External = (location: string, offset: number, length: number) => Uint8Array

/**
 * A tensor of a model. Throws UserError, which calls it `what`, where its bytes are not those of its shape
 * and type.
 */
export function readTensor(proto: TensorProto, what: string, external: External): StoredTensor {
  const dtype = dtypes[proto.dataType]
  if (!dtype)
    throw new UserError(
      `${what} has the type ${DataType[proto.dataType] ?? proto.dataType}, expected floats or integers`,
    )
  const shape = shapeOf(proto.dims, what)
  const expected = shape.reduce((n, size) => n * size, BYTES_PER[dtype])
  const data = bytesOf(proto, dtype, expected, what, external)
  if (data.length !== expected)
    throw new UserError(`${what} of shape [${shape}] needs ${expected} bytes, found ${data.length}`)
  return { dtype, shape, data }
}

function shapeOf(dims: readonly bigint[], what: string): number[] {
  const size = dims.reduce((product, n) => product * n, 1n)
  if (dims.some((n) => n < 0n) || size > 2n ** 40n)
    throw new UserError(`${what} has the impossible shape [${dims.join(', ')}]`)
  return dims.map(Number)
}

function bytesOf(proto: TensorProto, dtype: DType, size: number, what: string, external: External): Uint8Array {
  if (proto.externalData.length > 0) return externalBytes(proto, size, what, external)
  if (proto.rawData.length > 0) return proto.rawData
  const { floatData, doubleData, int32Data, int64Data } = proto
  if (dtype === 'F32') return asBytes(Float32Array.from(floatData))
  if (dtype === 'F64') return asBytes(Float64Array.from(doubleData))
  if (dtype === 'I64') return asBytes(BigInt64Array.from(int64Data))
  // Narrower types stand in 32-bit places, halves by their bits.
  if (dtype === 'I32') return asBytes(Int32Array.from(int32Data))
  return asBytes(BYTES_PER[dtype] === 2 ? Uint16Array.from(int32Data) : Uint8Array.from(int32Data))
}

const asBytes = ({ buffer }: { buffer: ArrayBuffer }) => new Uint8Array(buffer)

/** `size`: bytes of the tensor, which counts where the model leaves the length out. */
function externalBytes({ externalData }: TensorProto, size: number, what: string, external: External): Uint8Array {
  const { location, offset = '0', length } = Object.fromEntries(externalData.map(({ key, value }) => [key, value]))
  if (!location) throw new UserError(`${what} has external data without a location`)
  // ONNX Runtime takes a length of 0 for none, too.
  const [from, count] = [offset, Number(length ?? 0) === 0 ? size : length].map(Number)
  if (![from, count].every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new UserError(`${what} lies at ${offset} with length ${length} in ${location}, expected whole numbers`)
  return external(location, from, count)
}

/**
 * A sparse initializer as a dense one. Throws UserError, which calls it `what`, where a place is outside of
 * its shape.
 */
export function readSparse(proto: SparseTensorProto, what: string, external: External): StoredTensor {
  if (!proto.values || !proto.indices) throw new UserError(`${what} is sparse and lacks its values or their places`)
  const values = readTensor(proto.values, what, external)
  const indices = readTensor(proto.indices, `${what} (places)`, external)
  const shape = shapeOf(proto.dims, what)
  const size = shape.reduce((n, m) => n * m, 1)
  const width = BYTES_PER[values.dtype]
  const places = linear(toFloats64(indices), indices.shape, shape)
  if (places.length * width !== values.data.length || places.some((at) => !(at >= 0 && at < size)))
    throw new UserError(`${what} of shape [${shape}] has ${values.shape} sparse values whose places do not fit`)
  if (size > 2 ** 31) throw new UserError(`${what} of shape [${shape}] is larger than Espalier can hold`)
  const data = new Uint8Array(size * width)
  places.forEach((at, i) => {
    data.set(values.data.subarray(i * width, (i + 1) * width), at * width)
  })
  return { dtype: values.dtype, shape, data }
}

/** Row-major places: given as such, or as one index per axis. */
function linear(indices: Float64Array, [count, rank = 1]: readonly number[], shape: readonly number[]): Float64Array {
  if (rank === 1 && indices.length === count) return indices
  return Float64Array.from({ length: count }, (_, i) =>
    shape.reduce((at, size, axis) => {
      const index = indices[i * rank + axis]
      return index >= 0 && index < size ? at * size + index : Number.NaN
    }, 0),
  )
}

/** Whole numbers without loss. */
function toFloats64(tensor: StoredTensor): Float64Array {
  if (tensor.dtype !== 'I64') return Float64Array.from(toFloats(tensor))
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)
  return Float64Array.from({ length: tensor.data.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)))
}

/** The values of a small or large tensor as numbers; 64-bit integers are exact up to 2^53. */
export const numbersOf = (tensor: StoredTensor): Float32Array | Float64Array =>
  tensor.dtype === 'I64' || tensor.dtype === 'F64' || tensor.dtype === 'I32' ? numbers64(tensor) : toFloats(tensor)

function numbers64(tensor: StoredTensor): Float64Array {
  if (tensor.dtype === 'I64') return toFloats64(tensor)
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)
  return tensor.dtype === 'F64'
    ? Float64Array.from({ length: tensor.data.length / 8 }, (_, i) => view.getFloat64(8 * i, true))
    : Float64Array.from({ length: tensor.data.length / 4 }, (_, i) => view.getInt32(4 * i, true))
}
