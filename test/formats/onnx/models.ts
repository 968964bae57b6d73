/**
 * @file ONNX models written by hand with all that a graph can hold: tensors of every type, constants, graphs
 * inside of nodes, functions, several outputs.
 */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  type SparseTensorProtoSchema,
  type TensorProtoSchema,
} from 'onnx-buf'
import { toHalf } from '../../../src/formats/onnx/half.ts'

const writers = {
  float: (values: number[]) => Float32Array.from(values),
  double: (values: number[]) => Float64Array.from(values),
  float16: (values: number[]) => Uint16Array.from(values, toHalf),
  bfloat16: (values: number[]) => Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (x) => x >>> 16),
  int8: (values: number[]) => Int8Array.from(values),
  uint8: (values: number[]) => Uint8Array.from(values),
  int32: (values: number[]) => Int32Array.from(values),
  int64: (values: number[]) => BigInt64Array.from(values, BigInt),
  bool: (values: number[]) => Uint8Array.from(values),
  int4: (values: number[]) =>
    Uint8Array.from({ length: values.length / 2 }, (_, i) => (values[2 * i] & 15) | ((values[2 * i + 1] & 15) << 4)),
} as const
const types: Record<keyof typeof writers, DataType> = {
  float: DataType.FLOAT,
  double: DataType.DOUBLE,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
  int4: DataType.INT4,
}

export interface Stored {
  shape: readonly number[]
  values: readonly number[]
  /** Default: float. */
  type?: keyof typeof writers
  /** Stored as nonzeros with their places. */
  sparse?: boolean
}

type Attribute =
  | number
  | string
  | readonly number[]
  | { float: number }
  | { floats: readonly number[] }
  | { strings: readonly string[] }
  | { graph: Body }
  | { tensor: Stored }
  | { ref: string }

export interface Step {
  op: string
  in: string[]
  out: string | string[]
  with?: Record<string, Attribute>
  domain?: string
  name?: string
}

export interface Body {
  inputs?: string[]
  stored?: Record<string, Stored>
  steps: Step[]
  outputs: string[]
}

type InputShape = readonly (number | string)[]

export interface ModelText extends Omit<Body, 'inputs'> {
  /** Shapes of inputs, of floats where no type is said. Default: x [N, K]. */
  inputs?: Record<string, InputShape | { shape: InputShape; type: keyof typeof writers }>
  functions?: { name: string; inputs: string[]; outputs: string[]; attributes?: string[]; steps: Step[] }[]
  opset?: number
}

const tensorOf = (
  name: string,
  { shape, values, type = 'float' }: Stored,
): MessageInitShape<typeof TensorProtoSchema> => ({
  name,
  dims: shape.map(BigInt),
  dataType: types[type],
  rawData: new Uint8Array(writers[type]([...values]).buffer),
})

function sparseOf(name: string, stored: Stored): MessageInitShape<typeof SparseTensorProtoSchema> {
  const places = stored.values.map((_, i) => i).filter((i) => stored.values[i] !== 0)
  return {
    values: tensorOf(name, { ...stored, shape: [places.length], values: places.map((i) => stored.values[i]) }),
    indices: tensorOf('', { shape: [places.length], values: places, type: 'int64' }),
    dims: stored.shape.map(BigInt),
  }
}

function attributeOf([name, value]: [string, Attribute]): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) }
  if ('floats' in value) return { name, type: AttributeType.FLOATS, floats: [...value.floats] }
  if ('strings' in value)
    return { name, type: AttributeType.STRINGS, strings: value.strings.map((text) => new TextEncoder().encode(text)) }
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float }
  if ('graph' in value) return { name, type: AttributeType.GRAPH, g: graphOf(value.graph, name) }
  if ('ref' in value) return { name, type: AttributeType.INTS, refAttrName: value.ref }
  if ('tensor' in value)
    return value.tensor.sparse
      ? { name, type: AttributeType.SPARSE_TENSOR, sparseTensor: sparseOf('', value.tensor) }
      : { name, type: AttributeType.TENSOR, t: tensorOf('', value.tensor) }
  return { name, type: AttributeType.INTS, ints: value.map(BigInt) }
}

const stepOf = ({
  op,
  in: input,
  out,
  with: attributes = {},
  domain = '',
  name = '',
}: Step): MessageInitShape<typeof NodeProtoSchema> => ({
  opType: op,
  input,
  output: [out].flat(),
  domain,
  name,
  attribute: Object.entries(attributes).map(attributeOf),
})

const info = (name: string, shape?: readonly (number | string)[], type = DataType.FLOAT) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: type,
        ...(shape && {
          shape: {
            dim: shape.map((n) => ({
              value:
                typeof n === 'number'
                  ? { case: 'dimValue' as const, value: BigInt(n) }
                  : { case: 'dimParam' as const, value: n },
            })),
          },
        }),
      },
    },
  },
})

/** Names may have a type after a colon; what is no float is a scalar. */
const typed = (text: string) => {
  const [name, type = 'float'] = text.split(':')
  return info(name, type === 'float' ? undefined : [], types[type as keyof typeof types])
}

function graphOf(
  { stored = {}, steps, outputs, inputs = [] }: Body,
  name: string,
  input: MessageInitShape<typeof GraphProtoSchema>['input'] = inputs.map(typed),
): MessageInitShape<typeof GraphProtoSchema> {
  const all = Object.entries(stored)
  return {
    name,
    input,
    output: outputs.map(typed),
    node: steps.map(stepOf),
    initializer: all.filter(([, { sparse }]) => !sparse).map(([key, tensor]) => tensorOf(key, tensor)),
    sparseInitializer: all.filter(([, { sparse }]) => sparse).map(([key, tensor]) => sparseOf(key, tensor)),
  }
}

/** The bytes of a model. Domains other than ONNX's own are imported with version 1. */
export function modelBytes({ inputs = { x: ['N', 'K'] }, functions = [], opset = 17, ...body }: ModelText): Uint8Array {
  const graph = graphOf(
    body,
    'graph',
    Object.entries(inputs).map(([name, input]) =>
      'type' in input ? info(name, input.shape, types[input.type]) : info(name, input),
    ),
  )
  const opsetImport = [
    { domain: '', version: BigInt(opset) },
    { domain: 'local', version: 1n },
    { domain: 'com.microsoft', version: 1n },
  ]
  const model = create(ModelProtoSchema, {
    irVersion: opset < 9 ? 4n : 8n,
    opsetImport,
    graph,
    functions: functions.map(({ name, steps, attributes = [], inputs: given, outputs }) => ({
      domain: 'local',
      name,
      input: given,
      output: outputs,
      attribute: attributes,
      node: steps.map(stepOf),
      opsetImport,
    })),
  })
  return toBinary(ModelProtoSchema, model)
}

/** Numbers of mixed sign and size, none of them zero and no two of equal size. */
export const mixed = (count: number, seed = 1): number[] =>
  Array.from({ length: count }, (_, i) => {
    const at = (i * 7919 + seed * 104729) % 9973
    return ((at % 2 === 0 ? 1 : -1) * (1 + ((i * 31 + seed * 17) % 97) + at / 10_000)) / 64
  })
