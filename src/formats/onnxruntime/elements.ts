/** @file Numbers as ONNX Runtime is given them: its names of types, and arrays of their elements. */
import type { Tensor } from 'onnxruntime-node'
import { toHalf } from '../onnx/half.ts'
import type { DType } from '../safetensors-bytes.ts'

type Elements = Tensor.DataTypeMap[keyof Tensor.DataTypeMap]

const GIVEN: Partial<Record<DType, readonly [Tensor.Type, (values: ArrayLike<number>) => Elements]>> = {
  F32: ['float32', (values) => Float32Array.from(values)],
  F64: ['float64', (values) => Float64Array.from(values)],
  F16: ['float16', (values) => Uint16Array.from(values, toHalf)],
  I64: ['int64', (values) => BigInt64Array.from(Array.from(values), BigInt)],
  I32: ['int32', (values) => Int32Array.from(values)],
  I16: ['int16', (values) => Int16Array.from(values)],
  I8: ['int8', (values) => Int8Array.from(values)],
  U8: ['uint8', (values) => Uint8Array.from(values)],
  BOOL: ['bool', (values) => Uint8Array.from(values)],
}

/** What ONNX Runtime calls the type, and the elements in it; undefined where it is given none such. */
export function elementsAs(type: DType, values: ArrayLike<number>): { type: Tensor.Type; data: Elements } | undefined {
  const [named, elements] = GIVEN[type] ?? []
  return named && elements && { type: named, data: elements(values) }
}
