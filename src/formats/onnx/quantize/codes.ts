/** @file Whole numbers that stand for floats in a model, and their tensors and nodes. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType as AttributeType, type NodeProto, NodeProtoSchema } from 'onnx-buf'
import type { StoredTensor } from '../../safetensors-bytes.ts'
import { transpose } from '../value.ts'

/** A stored weight as codes: each stands for scale (code - zero). */
export interface WeightCodes {
  /** Of the stored tensor. */
  key: string
  bits: 4 | 8
  /** Outputs, and inputs of each. */
  rows: number
  columns: number
  /** [rows][columns]. */
  codes: Int8Array
  /** Columns that share a scale. */
  block: number
  /** [rows][blocks]. */
  scales: Float32Array
  zeros: Int8Array
  /** Whether the tensor is stored as [columns][rows]. */
  transposed: boolean
  /** Of the stored tensor: that over the outputs. */
  axis: number
  /** The nodes that read it, input 1. */
  nodes: readonly NodeProto[]
  /** What is added to the bias of these nodes, [rows]. Absent: nothing. */
  shift?: Float64Array
}

/** The grid of a value: x is scale (code - zero). */
export interface ValueCodes {
  type: 'uint8' | 'int8'
  scale: number
  zero: number
}

/** Codes in the order in which the file stores the weight. */
export function storedCodes({ codes, rows, columns, transposed }: WeightCodes): Int8Array {
  if (!transposed) return codes
  const stored = new Int8Array(codes.length)
  transpose(codes, stored, rows, columns)
  return stored
}

export const floats = (values: ArrayLike<number>, shape: readonly number[]): StoredTensor => ({
  dtype: 'F32',
  shape: [...shape],
  data: new Uint8Array(Float32Array.from(values).buffer),
})

/** Bytes, of which negative ones are as in two's complement. */
export const bytes = (dtype: 'I8' | 'U8', values: ArrayLike<number>, shape: readonly number[]): StoredTensor => ({
  dtype,
  shape: [...shape],
  data: Uint8Array.from(values, (value) => value & 255),
})

export const whole = (values: ArrayLike<number>, shape: readonly number[]): StoredTensor => ({
  dtype: 'I32',
  shape: [...shape],
  data: new Uint8Array(Int32Array.from(values).buffer),
})

/** A node with attributes that are whole numbers. */
export function nodeOf(
  opType: string,
  input: readonly string[],
  output: string | readonly string[],
  { domain = '', attributes = {} }: { domain?: string; attributes?: Readonly<Record<string, number>> } = {},
): NodeProto {
  const names = [output].flat()
  const made: MessageInitShape<typeof NodeProtoSchema> = {
    opType,
    domain,
    name: `${names[0]}/${opType}`,
    input: [...input],
    output: names,
    attribute: Object.entries(attributes).map(([name, i]) => ({ name, type: AttributeType.INT, i: BigInt(i) })),
  }
  return create(NodeProtoSchema, made)
}
